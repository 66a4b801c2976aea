// System calls that wait, of a process that was stopped in them.
#pragma once
#include <sys/user.h>

// Where a stopped thread waits in a call that would give EINTR because of the stop, changes its registers so that it makes the same call
// again, where nothing is lost by that: a poll or epoll_wait without a timeout, a sleep that tells the time that is left, semop, reads and
// writes of sockets with a timeout. A call that would wait for longer returns EINTR. Not for a thread that a signal handler waits for: it
// has to see EINTR. @returns whether it changed them
int restart_exactly(struct user_regs_struct *thread);
