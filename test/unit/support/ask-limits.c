/*
 * usage: ask-limits PID [set | signal]
 * Prints the limits of a process as CRIU asks for them, and what of LD_PRELOAD a program started from here would see. With `set` it
 * tries to change a limit, with `signal` it makes another call with the same kind of arguments; it prints what came of that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void print(rlim_t limit, char end) {
  if (limit == RLIM_INFINITY) printf("unlimited%c", end);
  else printf("%llu%c", (unsigned long long)limit, end);
}

int main(int argc, char **argv) {
  pid_t pid = argc > 1 ? atoi(argv[1]) : 0;
  struct rlimit limit, none = {0, 0};
  if (argc > 2) {
    const int set = strcmp(argv[2], "set") == 0;
    const long result = set ? syscall(SYS_prlimit64, pid, RLIMIT_CORE, &none, &limit)
                            : syscall(SYS_kill, pid, 0, 0, &limit);
    printf("%s\n", result ? strerror(errno) : "done");
    return 0;
  }
  for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
    if (syscall(SYS_prlimit64, pid, resource, NULL, &limit)) {
      printf("%s\n", strerror(errno));
      return 0;
    }
    print(limit.rlim_cur, ' ');
    print(limit.rlim_max, '\n');
  }
  printf("preloaded: %s\n", getenv("LD_PRELOAD") ? "yes" : "no");
}
