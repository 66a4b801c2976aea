#define _GNU_SOURCE
#include "pinned.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** Whether a file below /proc/PID has a line that begins with `key` and goes on with a number other than 0, in this base. */
static int has_number(pid_t pid, const char *name, const char *key, int base, unsigned long mask) {
  char path[64 + NAME_MAX], line[256];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  FILE *file = fopen(path, "re");
  int found = 0;
  while (file && !found && fgets(line, sizeof line, file))
    found = !strncmp(line, key, strlen(key)) && (strtoul(line + strlen(key), NULL, base) & mask);
  if (file) fclose(file);
  return found;
}

static int has_direct_file(pid_t pid) {
  char path[64], name[16 + NAME_MAX];
  snprintf(path, sizeof path, "/proc/%d/fdinfo", pid);
  DIR *files = opendir(path);
  int found = 0;
  for (struct dirent *file; files && !found && (file = readdir(files));) {
    snprintf(name, sizeof name, "fdinfo/%s", file->d_name);
    found = file->d_name[0] != '.' && has_number(pid, name, "flags:", 8, O_DIRECT);
  }
  if (files) closedir(files);
  return found;
}

static int has_ring(pid_t pid) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *file = fopen(path, "re");
  int found = 0;
  while (file && !found && fgets(line, sizeof line, file)) found = strstr(line, " /[aio]") != NULL;
  if (file) fclose(file);
  return found;
}

int is_pinned(pid_t pid) { return has_number(pid, "status", "VmPin:", 10, ~0ul) || has_ring(pid) || has_direct_file(pid); }
