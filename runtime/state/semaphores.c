#include "state.h"

/** Whether an eventfd is a semaphore. Kernels before 6.5 do not tell. */
static int is_semaphore(pid_t outside, int number) {
  char path[64], line[128];
  int found = 0, value;
  snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", outside, number);
  FILE *info = fopen(path, "re");
  while (info && fgets(line, sizeof line, info))
    if (sscanf(line, "eventfd-semaphore: %d", &value) == 1) found = value;
  if (info) fclose(info);
  return found;
}

void semaphore_save(const struct process *process, int number, FILE *to) {
  if (is_semaphore(process->outside, number)) fprintf(to, "semaphore %d %d\n", process->inside, number);
}

int semaphore_restore(const char *line) {
  pid_t inside;
  int number;
  if (sscanf(line, "semaphore %d %d", &inside, &number) != 2) return 0;
  if (!is_semaphore(processes_outside(inside), number)) lost("the eventfd %d of process %d is no semaphore any more", number, inside);
  return 1;
}
