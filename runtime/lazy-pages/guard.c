#define _GNU_SOURCE
#include "guard.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static bool runc(const char *root, const char *id, const char *command, const char *signal_name, char *answer, size_t room) {
  int out[2];
  if (pipe2(out, O_CLOEXEC)) return false;
  pid_t child = fork();
  if (child == 0) {
    dup2(out[1], 1);
    execlp("runc", "runc", "--root", root, command, id, signal_name, (char *)NULL);
    _exit(127);
  }
  close(out[1]);
  size_t got = 0;
  for (ssize_t done; got < room - 1 && (done = read(out[0], answer + got, room - 1 - got)) > 0;) got += (size_t)done;
  answer[got] = 0;
  close(out[0]);
  int status;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

void kill_container(const char *root, const char *id) {
  char answer[4096];
  for (int tries = 0; tries < 1000; tries++) {
    if (tries % 50 == 0) runc(root, id, "kill", "KILL", answer, sizeof answer);
    if (!runc(root, id, "state", NULL, answer, sizeof answer) || !strstr(answer, "\"status\": \"running\"")) return;
    usleep(10000);
  }
}

void take_other_name(char **arguments, int count) {
  const char name[] = "godwit-memory-guard";
  char *end = arguments[count - 1] + strlen(arguments[count - 1]);
  size_t room = (size_t)(end - arguments[0]);
  memset(arguments[0], 0, room);
  strncpy(arguments[0], name, room);
  prctl(PR_SET_NAME, "godwit-guard");
}
