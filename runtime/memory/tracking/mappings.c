#define _GNU_SOURCE
#include "mappings.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Memory that the kernel gives to every process; CRIU does not dump it. */
static int is_kernels(const char *name) {
  return !strncmp(name, "[vvar", 5) || !strcmp(name, "[vdso]") || !strcmp(name, "[vsyscall]");
}

long read_mappings(pid_t pid, struct mapping **out) {
  char path[64], *line = NULL;
  size_t room = 0, line_room = 0;
  long count = 0;
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "re");
  *out = NULL;
  if (!maps) return -errno;
  while (getline(&line, &line_room, maps) > 0) {
    struct mapping one;
    uint64_t inode;
    char sharing;
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c %*x %*x:%*x %" SCNu64 " %n", &one.start, &one.end, &sharing, &inode, &name) < 4) continue;
    line[strcspn(line, "\n")] = 0;
    if (sharing != 'p' || is_kernels(line + name)) continue;
    one.is_file = inode != 0;
    if ((size_t)count == room) {
      struct mapping *more = realloc(*out, (room = room ? room * 2 : 64) * sizeof *more);
      if (!more) abort();
      *out = more;
    }
    (*out)[count++] = one;
  }
  free(line);
  fclose(maps);
  return count;
}
