#include "fail.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Keeps the connection open until the agent knows why it ends, and closes the standard input: then the source may ask. */
static void hold_connection(void) {
  if (fork() != 0) return;
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) continue;
  _exit(0);
}

_Noreturn void fail(const char *what) {
  int error = errno;
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  hold_connection();
  exit(error > 0 && error < 126 ? error : 1);
}
