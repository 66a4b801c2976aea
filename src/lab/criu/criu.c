/* The command criu in a lab's hosts. It runs the host's own CRIU with the library of limits.c, which lies beside this program. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  (void)argc;
  setenv("LD_PRELOAD", "/opt/godwit/dist/lab/limits.so", 1);
  execv("/usr/sbin/criu", argv);
  perror("/usr/sbin/criu");
  return 127;
}
