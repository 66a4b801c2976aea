// godwit-tracker: tells which pages of processes have changed, round after round. It reads orders from its standard input, a line each,
// and answers on its standard output. A PID is one of this process's own namespace; pages have numbers, address / 4096.
//   track PID                 begins to track a process. Answer: a status
//   round PID live|frozen     Answer: a status, and the runs that have changed since the round before
//   forget PID FIRST COUNT    the destination does not have these pages after all. No answer
//   end PID                   ends the tracking of a process. No answer
// A status is an int32: 0, or a negative errno; after it, a uint32 with the number of runs. A run is `struct run` (copy.h). A process
// that cannot be tracked gives all of its memory in each round. At the end of its input the program ends, and with it all tracking: the
// processes keep nothing of it.
#define _GNU_SOURCE
#include "tracker.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tracked *all;
static size_t count;

static struct run *runs;
static size_t run_count, run_room;

static struct tracked *find(pid_t pid) {
  for (size_t i = 0; i < count; i++)
    if (all[i].pid == pid) return &all[i];
  return NULL;
}

static struct tracked *add(pid_t pid) {
  struct tracked *more = realloc(all, (count + 1) * sizeof *more);
  if (!more) abort();
  all = more;
  all[count] = (struct tracked){.pid = pid, .uffd = -1};
  return &all[count++];
}

static void drop(struct tracked *it) {
  track_end(it);
  *it = all[--count];
}

static int keep(const struct run *run) {
  if (run_count == run_room) {
    struct run *more = realloc(runs, (run_room = run_room ? run_room * 2 : 1024) * sizeof *more);
    if (!more) abort();
    runs = more;
  }
  runs[run_count++] = *run;
  return 0;
}

static void answer(int32_t status) {
  uint32_t number = status ? 0 : run_count;
  fwrite(&status, sizeof status, 1, stdout);
  fwrite(&number, sizeof number, 1, stdout);
  if (number) fwrite(runs, sizeof *runs, number, stdout);
  fflush(stdout);
}

int main(void) {
  char line[128], word[16];
  while (fgets(line, sizeof line, stdin)) {
    int pid;
    uint64_t first, pages;
    struct tracked *it;
    run_count = 0;
    if (sscanf(line, "track %d", &pid) == 1) {
      it = find(pid);
      if (it) track_end(it);
      else it = add(pid);
      answer(track(it, pid));
    } else if (sscanf(line, "round %d %15s", &pid, word) == 2) {
      it = find(pid);
      answer(track_round(it ? it : add(pid), !strcmp(word, "frozen"), keep));
    } else if (sscanf(line, "forget %d %" SCNu64 " %" SCNu64, &pid, &first, &pages) == 3) {
      if ((it = find(pid))) copy_forget(&it->copy, first, first + pages);
    } else if (sscanf(line, "end %d", &pid) == 1 && (it = find(pid))) drop(it);
  }
  return 0;
}
