#include "state.h"

/** Calls `each` for every timer of timer_create(2) that signals the main thread of a process, with its number. */
static void on_main_thread(pid_t outside, void (*each)(int id, void *with), void *with) {
  char path[64], line[128];
  int id = -1, target;
  snprintf(path, sizeof path, "/proc/%d/timers", outside);
  FILE *timers = fopen(path, "re");
  while (timers && fgets(line, sizeof line, timers)) {
    if (sscanf(line, "ID: %d", &id) == 1) continue;
    if (sscanf(line, "notify: signal/tid.%d", &target) == 1 && target == outside) each(id, with);
  }
  if (timers) fclose(timers);
}

struct saving {
  pid_t inside;
  FILE *to;
};

static void save(int id, void *with) {
  const struct saving *saving = with;
  fprintf(saving->to, "timer %d %d\n", saving->inside, id);
}

void timers_save(const struct process *process, FILE *to) {
  struct saving saving = {process->inside, to};
  on_main_thread(process->outside, save, &saving);
}

struct searched {
  int id, found;
};

static void compare(int id, void *with) {
  struct searched *searched = with;
  if (id == searched->id) searched->found = 1;
}

int timers_restore(const char *line) {
  pid_t inside;
  struct searched searched = {0};
  if (sscanf(line, "timer %d %d", &inside, &searched.id) != 2) return 0;
  on_main_thread(processes_outside(inside), compare, &searched);
  if (!searched.found) lost("the timer %d of process %d does not signal the main thread any more", searched.id, inside);
  return 1;
}
