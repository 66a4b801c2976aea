#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

static int enter_ipc_of(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/ipc", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int entered = fd >= 0 && !setns(fd, CLONE_NEWIPC);
  if (fd >= 0) close(fd);
  return entered;
}

void segments_save(pid_t first, FILE *to) {
  char line[512];
  int id;
  unsigned mode;
  FILE *segments = enter_ipc_of(first) ? fopen("/proc/sysvipc/shm", "re") : NULL;
  while (segments && fgets(line, sizeof line, segments))
    if (sscanf(line, "%*d %d %o", &id, &mode) == 2 && mode & SHM_DEST) fprintf(to, "removed %d\n", id);
  if (segments) fclose(segments);
}

int segments_restore(pid_t first, const char *line) {
  int id;
  if (sscanf(line, "removed %d", &id) != 1) return 0;
  if (!enter_ipc_of(first) || shmctl(id, IPC_RMID, NULL))
    lost("shared memory segment %d is not marked for removal any more: %s", id, strerror(errno));
  return 1;
}
