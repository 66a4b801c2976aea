// Holds something that CRIU cannot dump (a landlock ruleset, or else secret memory), and counts.
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
  unsigned long long files = 1;
  long held = syscall(SYS_landlock_create_ruleset, &files, sizeof files, 0);
  if (held < 0) held = syscall(SYS_memfd_secret, 0);
  if (held < 0) {
    perror("nothing to hold that CRIU would refuse");
    return 1;
  }
  for (int i = 0;; i++) {
    printf("%d\n", i);
    fflush(stdout);
    usleep(50 * 1000);
  }
}
