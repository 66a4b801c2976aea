/*
 * odd-memory shared|marks|traced: writes its memory all the time, and is hard to follow: another process has the same memory (CLONE_VM)
 * and writes it; it has its own clear_refs open; another process traces it. Prints "ready" once it has begun.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 1000 };

static char *memory;

static int writes(void *unused) {
  (void)unused;
  for (unsigned at = 0;; at++) memory[at % PAGES * PAGE] = at;
  return 0;
}

static int writes_too(void *unused) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return writes(unused);
}

static void be_traced(void) {
  pid_t self = getpid();
  int pipe_ends[2];
  char byte;
  if (pipe(pipe_ends)) exit(1);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_SEIZE, self, 0, 0)) _exit(1);
    if (write(pipe_ends[1], "", 1) != 1) _exit(1);
    for (int status; waitpid(self, &status, 0) > 0;) ptrace(PTRACE_CONT, self, 0, WSTOPSIG(status));
    _exit(0);
  }
  close(pipe_ends[1]);
  if (read(pipe_ends[0], &byte, 1) != 1) exit(1);
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  memory = aligned_alloc(PAGE, PAGES * PAGE);
  memset(memory, 1, PAGES * PAGE);
  char *stack = malloc(1 << 16);
  if (!strcmp(argv[1], "shared") && clone(writes_too, stack + (1 << 16), CLONE_VM | SIGCHLD, NULL) < 0) return 1;
  if (!strcmp(argv[1], "marks") && open("/proc/self/clear_refs", O_WRONLY) < 0) return 1;
  if (!strcmp(argv[1], "traced")) be_traced();
  puts("ready");
  fflush(stdout);
  if (!strcmp(argv[1], "shared"))
    for (;;) pause();
  return writes(NULL);
}
