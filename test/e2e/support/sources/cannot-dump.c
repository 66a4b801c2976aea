// Counts. Once there is a file /go/now, it holds something that CRIU cannot dump (a landlock ruleset, or else secret memory): too late for
// the checks before a move.
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static long hold(void) {
  unsigned long long files = 1;
  long held = syscall(SYS_landlock_create_ruleset, &files, sizeof files, 0);
  return held < 0 ? syscall(SYS_memfd_secret, 0) : held;
}

int main(void) {
  for (int i = 0, holds = 0;; i++) {
    if (!holds && !access("/go/now", F_OK)) {
      if (hold() < 0) return 1;
      holds = 1;
    }
    printf("%d\n", i);
    fflush(stdout);
    usleep(50 * 1000);
  }
}
