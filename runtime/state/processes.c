#include "state.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static struct process *processes, *threads;
static size_t count, thread_count;
static int threads_known;

pid_t processes_inside(const char *folder) {
  char path[300], line[512];
  snprintf(path, sizeof path, "%s/status", folder);
  FILE *status = fopen(path, "re");
  pid_t inside = 0;
  // The innermost namespace is the last one.
  while (status && !inside && fgets(line, sizeof line, status))
    if (strncmp(line, "NSpid:", 6) == 0) inside = atoi(strrchr(line, '\t'));
  if (status) fclose(status);
  return inside;
}

static int add(struct process **list, size_t *length, struct process one) {
  struct process *longer = one.inside ? realloc(*list, (*length + 1) * sizeof one) : NULL;
  if (!longer) return 0;
  *list = longer;
  longer[(*length)++] = one;
  return 1;
}

/** Adds a process and all that descend from it: the children of each of its threads. */
static void add_tree(pid_t outside) {
  char path[300];
  pid_t child;
  snprintf(path, sizeof path, "/proc/%d", outside);
  if (!add(&processes, &count, (struct process){processes_inside(path), outside})) return;
  snprintf(path, sizeof path, "/proc/%d/task", outside);
  DIR *tasks = opendir(path);
  for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/children", outside, entry->d_name);
    FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%d", &child) == 1) add_tree(child);
    if (children) fclose(children);
  }
  if (tasks) closedir(tasks);
}

int processes_find(pid_t first) {
  add_tree(first);
  return count > 0;
}

static void find_threads(void) {
  char path[600];
  for (size_t i = 0; i < count; i++) {
    snprintf(path, sizeof path, "/proc/%d/task", processes[i].outside);
    DIR *tasks = opendir(path);
    for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
      if (entry->d_name[0] == '.') continue;
      snprintf(path, sizeof path, "/proc/%d/task/%s", processes[i].outside, entry->d_name);
      add(&threads, &thread_count, (struct process){processes_inside(path), atoi(entry->d_name)});
    }
    if (tasks) closedir(tasks);
  }
}

static pid_t in(const struct process *list, size_t length, pid_t inside) {
  for (size_t i = 0; i < length; i++)
    if (list[i].inside == inside) return list[i].outside;
  return 0;
}

pid_t processes_outside(pid_t inside) { return in(processes, count, inside); }

pid_t processes_outside_thread(pid_t inside) {
  pid_t leader = processes_outside(inside);
  if (leader) return leader;
  if (!threads_known) find_threads();
  threads_known = 1;
  return in(threads, thread_count, inside);
}
