/* usage: ask-limits PID: the limits of a process as CRIU asks for them, and what of LD_PRELOAD a program started from here would see. */
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
  for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
    struct rlimit limit;
    if (syscall(SYS_prlimit64, pid, resource, NULL, &limit)) {
      printf("%s\n", strerror(errno));
      return 0;
    }
    print(limit.rlim_cur, ' ');
    print(limit.rlim_max, '\n');
  }
  printf("preloaded: %s\n", getenv("LD_PRELOAD") ? "yes" : "no");
}
