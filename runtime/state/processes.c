#include "state.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct process *processes, *threads;
static size_t count, thread_count;
static int threads_known;

static ino_t namespace_of(const char *pid) {
  char path[300];
  struct stat found;
  snprintf(path, sizeof path, "/proc/%s/ns/pid", pid);
  return stat(path, &found) ? 0 : found.st_ino;
}

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

int processes_find(pid_t first) {
  char name[32], path[300];
  snprintf(name, sizeof name, "%d", first);
  ino_t own = namespace_of(name);
  DIR *proc = own ? opendir("/proc") : NULL;
  if (!proc) return 0;
  for (struct dirent *entry; (entry = readdir(proc));) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || namespace_of(entry->d_name) != own) continue;
    snprintf(path, sizeof path, "/proc/%s", entry->d_name);
    add(&processes, &count, (struct process){processes_inside(path), atoi(entry->d_name)});
  }
  closedir(proc);
  return 1;
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
