// System calls that wait, of a process that was stopped in them.
#pragma once
#include <sys/user.h>

// Where a stopped thread waits in a call for which the kernel keeps how far it was (ERESTART_RESTARTBLOCK), changes its registers so that it
// makes the same call again, where nothing is lost by that: a poll without a timeout, and a sleep that tells the time that is left. Any other
// would return EINTR, or wait for longer. @returns whether it changed them
int restart_exactly(struct user_regs_struct *thread);
