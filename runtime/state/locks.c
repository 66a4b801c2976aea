// A file of orders has lines:
//   lock PID FD TYPE START LENGTH   a lock; TYPE 0 is shared, 1 is exclusive; START and LENGTH are bytes; LENGTH 0 has no end
//   go PID                          a process that ran before the dump
// Each PID is the id within the container.
#define _GNU_SOURCE
#include "../ptrace/tracee.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

static int take(pid_t pid, int fd, const struct flock *lock) {
  struct tracee tracee;
  pid_t found = processes_outside(pid);
  long error = found ? tracee_catch(&tracee, found) : -ESRCH;
  if (!error) error = tracee_call_with(&tracee, SYS_fcntl, fd, F_SETLK, lock, sizeof *lock);
  if (found) tracee_release(&tracee);
  if (error)
    lost("process %d could not take its record lock on file descriptor %d again: %s", pid, fd,
         error == -EAGAIN || error == -EACCES ? "somebody else has locked the file meanwhile" : strerror((int)-error));
  return error == 0;
}

int locks_retake(pid_t first, const char *path) {
  char line[256];
  pid_t pid, outside;
  FILE *orders = fopen(path, "re");
  if (!orders || !processes_find(first)) {
    lost("the processes to lock files for were not found: %s", strerror(errno));
    return 0;
  }
  while (fgets(line, sizeof line, orders)) {
    int fd, type;
    long long start, length;
    if (sscanf(line, "lock %d %d %d %lld %lld", &pid, &fd, &type, &start, &length) != 5) continue;
    struct flock lock = {.l_type = type ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (!take(pid, fd, &lock)) return 0;
  }
  rewind(orders);
  while (fgets(line, sizeof line, orders))
    if (sscanf(line, "go %d", &pid) == 1 && (outside = processes_outside(pid))) kill(outside, SIGCONT);
  fclose(orders);
  return 1;
}
