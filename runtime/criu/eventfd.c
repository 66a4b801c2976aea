/*
 * An eventfd that is a semaphore stays one. CRIU makes a counter of each, and sets its flags then. A semaphore has O_DIRECT among them
 * (src/host/criu/images/semaphores.ts), which the kernel refuses for an eventfd: here a semaphore takes the counter's place.
 */
#define _GNU_SOURCE
#include "criu.h"
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_eventfd(int fd) {
  static const char kind[] = "anon_inode:[eventfd]";
  char path[32], target[sizeof kind];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return readlink(path, target, sizeof target) == sizeof kind - 1 && !memcmp(target, kind, sizeof kind - 1);
}

/** Puts a semaphore of the same value into the place of a counter. */
static bool become_semaphore(int fd) {
  uint64_t value = 0;
  struct pollfd counter = {.fd = fd, .events = POLLIN};
  // A counter of 0 has nothing to read.
  if (poll(&counter, 1, 0) > 0 && read(fd, &value, sizeof value) != sizeof value) return false;
  int own = (int)syscall(SYS_fcntl, fd, F_GETFD);
  int semaphore = (int)syscall(SYS_eventfd2, 0, EFD_SEMAPHORE);
  bool done = own >= 0 && semaphore >= 0 && (!value || write(semaphore, &value, sizeof value) == sizeof value) &&
              syscall(SYS_dup3, semaphore, fd, own & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0;
  if (semaphore >= 0) close(semaphore);
  return done;
}

/** The semaphore that was made last. CRIU reads the flags again that it has set, and misses none of them. */
static int made = -1;

EXPORT int fcntl64(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  unsigned long argument = va_arg(more, unsigned long);
  va_end(more);
  if (is_criu && command == F_SETFL && argument & O_DIRECT && is_eventfd(fd) && become_semaphore(fd)) {
    argument &= ~(unsigned long)O_DIRECT;
    made = fd;
  }
  int result = (int)syscall(SYS_fcntl, fd, command, argument);
  if (command != F_GETFL || fd != made || result < 0) return result;
  made = -1;
  return result | O_DIRECT;
}
EXPORT int fcntl(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  unsigned long argument = va_arg(more, unsigned long);
  va_end(more);
  return fcntl64(fd, command, argument);
}
