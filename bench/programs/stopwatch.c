// Times the parts of the floor. It adds almost no time of its own: a write, a poll, one process.
//   stopwatch served CGROUP COMMAND...   freezes CGROUP and runs COMMAND. The time ends at the first byte that COMMAND writes to
//                                        descriptor 3. COMMAND then goes on by itself. Prints "checkpoint MS", "freeze MS"
//   stopwatch ended COMMAND...           runs COMMAND to its end, and exits with its status. Prints "restore MS"
// COMMAND has /dev/null as input and output, because the processes that it starts inherit them.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { status_fd = 3 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void freeze(const char *cgroup) {
  char path[4096], text[256];
  snprintf(path, sizeof path, "%s/cgroup.events", cgroup);
  int events = open(path, O_RDONLY | O_CLOEXEC);
  snprintf(path, sizeof path, "%s/cgroup.freeze", cgroup);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (events < 0 || file < 0 || write(file, "1", 1) != 1) fail(path);
  do {
    ssize_t size = pread(events, text, sizeof text - 1, 0);
    if (size < 0) fail("cgroup.events");
    text[size] = 0;
  } while (!strstr(text, "frozen 1") && usleep(100) == 0);
}

static pid_t start(char **command, int status) {
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child > 0) return child;
  int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++)
    if (dup2(nothing, fd) < 0) _exit(127);
  if (status >= 0 && dup2(status, status_fd) < 0) _exit(127);
  execvp(command[0], command);
  _exit(127);
}

int main(int argc, char **argv) {
  int served = argc > 3 && strcmp(argv[1], "served") == 0;
  if (!served && (argc < 3 || strcmp(argv[1], "ended") != 0)) {
    fprintf(stderr, "usage: stopwatch served CGROUP COMMAND... | stopwatch ended COMMAND...\n");
    return 2;
  }
  double begun = now();
  if (served) {
    int ends[2];
    char byte;
    if (pipe2(ends, O_CLOEXEC) < 0) fail("pipe2");
    freeze(argv[2]);
    double frozen = now();
    start(argv + 3, ends[1]);
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1) return 1;
    printf("checkpoint %.1f\nfreeze %.1f\n", now() - begun, frozen - begun);
    return 0;
  }
  int status;
  pid_t child = start(argv + 2, -1);
  if (waitpid(child, &status, 0) < 0) fail("waitpid");
  printf("restore %.1f\n", now() - begun);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
