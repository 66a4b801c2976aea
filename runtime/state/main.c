// godwit-state: what CRIU leaves out of the state of processes.
//   godwit-state save FILE    reads "INSIDE OUTSIDE" from its standard input, a line for each process: its id within the container, and on
//                             the host. Writes FILE (state.h describes it). The processes are frozen, and stay as they are.
//   godwit-state look         reads the same lines, and writes what is in flight to its standard output: a line "watched N", how many
//                             descriptors can have such, and the lines that state.h describes. The processes need not be frozen.
//   godwit-state discard      the same, and takes away what CRIU refuses. The program that has not read it loses it.
//   godwit-state locks PID ORDERS   takes record locks again that a restore has lost, in the processes that had them. Then it lets the
//                             container go on, whose processes SIGSTOP has stopped. PID is the container's first process. After an error all
//                             processes stay stopped. ORDERS is a file that locks.c describes.
//   godwit-state              is an action script of CRIU. At "post-restore" it puts back what $GODWIT_PENDING/state says: all files are
//                             open then, and nothing of the container has run. It writes a line to $GODWIT_PENDING/unrestored for each
//                             thing that it could not put back.
// Status 1 where nothing was saved or restored, with a reason on the standard error, or in $GODWIT_PENDING/failed.
#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *losses;

void lost(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(losses ? losses : stderr, format, arguments);
  va_end(arguments);
  fputc('\n', losses ? losses : stderr);
}

static int failed(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

int enter_namespace(pid_t pid, const char *kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, kind);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int entered = fd >= 0 && !setns(fd, 0);
  if (fd >= 0) close(fd);
  return entered;
}

static int save(const char *path) {
  struct process process;
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FILE *to = file < 0 ? NULL : fdopen(file, "w");
  if (!to) return failed(path);
  for (int entered = 0; scanf("%d %d", &process.inside, &process.outside) == 2; entered = 1) {
    if (!entered && !enter_namespace(process.outside, "net")) return failed("the network of the container");
    if (!entered) segments_save(process.outside, to);
    tasks_save(&process, to);
    timers_save(&process, to);
    sockets_save(&process, to);
  }
  return ferror(to) || fclose(to) ? failed(path) : 0;
}

static int look(int discard) {
  struct process process;
  size_t watched = 0;
  while (scanf("%d %d", &process.inside, &process.outside) == 2) watched += look_at(&process, discard, stdout);
  printf("watched %zu\n", watched);
  return fflush(stdout) ? failed("the standard output") : 0;
}

static int restore(const char *pending, pid_t first) {
  char path[4096], *line = NULL;
  size_t size = 0;
  // CRIU's own log has no room for a reason.
  snprintf(path, sizeof path, "%s/failed", pending);
  if (!freopen(path, "we", stderr)) return 1;
  snprintf(path, sizeof path, "%s/unrestored", pending);
  losses = fopen(path, "we");
  snprintf(path, sizeof path, "%s/state", pending);
  FILE *state = fopen(path, "re");
  if (!losses || !state) return failed(path);
  if (!processes_find(first) || !enter_namespace(first, "net")) return failed("the restored processes");
  while (getline(&line, &size, state) > 0)
    if (!segments_restore(first, line) && !tasks_restore(line) && !timers_restore(line) && !sockets_restore(line)) lost("a line that this host does not know: %.40s", line);
  sockets_restored();
  return ferror(state) || fclose(losses) ? failed(path) : 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "save") == 0) return save(argv[2]);
  if (argc == 2 && strcmp(argv[1], "look") == 0) return look(0);
  if (argc == 2 && strcmp(argv[1], "discard") == 0) return look(1);
  if (argc == 4 && strcmp(argv[1], "locks") == 0) return !locks_retake(atoi(argv[2]), argv[3]);
  const char *action = getenv("CRTOOLS_SCRIPT_ACTION"), *pending = getenv("GODWIT_PENDING"), *first = getenv("CRTOOLS_INIT_PID");
  if (!action || strcmp(action, "post-restore") != 0) return 0;
  return pending && first ? restore(pending, atoi(first)) : failed("$GODWIT_PENDING or $CRTOOLS_INIT_PID is not set");
}
