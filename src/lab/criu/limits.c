/*
 * Preloaded into the CRIU of a lab's hosts. CRIU reads the limits of every process that it dumps with prlimit64. For processes of
 * other users the kernel refuses this without CAP_SYS_RESOURCE, which a lab's machine may lack. This library then takes the limits
 * from /proc/PID/limits, which root may read. CRIU calls prlimit64 through syscall(), so this library wraps syscall().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/** The programs that CRIU starts do not need this library. */
__attribute__((constructor)) static void leave_environment(void) { unsetenv("LD_PRELOAD"); }

static rlim_t limit(const char *text) {
  return strcmp(text, "unlimited") == 0 ? RLIM_INFINITY : (rlim_t)strtoull(text, NULL, 10);
}

/** The file has a heading, then a line for each resource by number: the name in 26 columns, the soft limit, the hard limit. */
static int read_limits(pid_t pid, int resource, struct rlimit *found) {
  char path[32], line[256], soft[24], hard[24];
  snprintf(path, sizeof path, "/proc/%d/limits", (int)pid);
  FILE *file = fopen(path, "re");
  if (!file) return -1;
  int read = 0;
  for (int number = -1; fgets(line, sizeof line, file); number++) {
    if (number != resource) continue;
    read = strlen(line) > 26 && sscanf(line + 26, "%23s %23s", soft, hard) == 2;
    break;
  }
  fclose(file);
  if (!read) return -1;
  *found = (struct rlimit){.rlim_cur = limit(soft), .rlim_max = limit(hard)};
  return 0;
}

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long given[6];
  for (int i = 0; i < 6; i++) given[i] = va_arg(list, long);
  va_end(list);
  long result = real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  const int refused = number == SYS_prlimit64 && result == -1 && errno == EPERM;
  if (!refused || given[2] || !given[3]) return result;
  if (read_limits((pid_t)given[0], (int)given[1], (struct rlimit *)given[3]) == 0) return 0;
  errno = EPERM;
  return -1;
}
