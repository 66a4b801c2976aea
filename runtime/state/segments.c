#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

#ifndef SHM_LOCKED
#define SHM_LOCKED 02000
#endif

void segments_save(pid_t first, FILE *to) {
  char line[512];
  int id;
  unsigned mode;
  FILE *segments = enter_namespace(first, "ipc") ? fopen("/proc/sysvipc/shm", "re") : NULL;
  while (segments && fgets(line, sizeof line, segments))
    if (sscanf(line, "%*d %d %o", &id, &mode) == 2) {
      if (mode & SHM_LOCKED) fprintf(to, "locked %d\n", id);
      if (mode & SHM_DEST) fprintf(to, "removed %d\n", id);
    }
  if (segments) fclose(segments);
  // A queue of the usual size gets the size that is usual on the other host.
  FILE *usual = fopen("/proc/sys/kernel/msgmnb", "re"), *queues = usual ? fopen("/proc/sysvipc/msg", "re") : NULL;
  unsigned long bytes = 0;
  if (usual && fscanf(usual, "%lu", &bytes) != 1) bytes = 0;
  struct msqid_ds queue;
  while (queues && fgets(line, sizeof line, queues))
    if (sscanf(line, "%*d %d", &id) == 1 && !msgctl(id, IPC_STAT, &queue) && queue.msg_qbytes != bytes)
      fprintf(to, "queue %d %lu\n", id, queue.msg_qbytes);
  if (usual) fclose(usual);
  if (queues) fclose(queues);
}

static int resize(int id, unsigned long bytes) {
  struct msqid_ds queue;
  if (msgctl(id, IPC_STAT, &queue)) return -1;
  queue.msg_qbytes = bytes;
  return msgctl(id, IPC_SET, &queue);
}

int segments_restore(pid_t first, const char *line) {
  int id;
  unsigned long bytes;
  if (sscanf(line, "queue %d %lu", &id, &bytes) == 2) {
    if (!enter_namespace(first, "ipc") || resize(id, bytes)) lost("message queue %d has another size now: %s", id, strerror(errno));
    return 1;
  }
  if (sscanf(line, "locked %d", &id) == 1) {
    if (!enter_namespace(first, "ipc") || shmctl(id, SHM_LOCK, NULL)) lost("shared memory segment %d is not locked any more: %s", id, strerror(errno));
    return 1;
  }
  if (sscanf(line, "removed %d", &id) != 1) return 0;
  if (!enter_namespace(first, "ipc") || shmctl(id, IPC_RMID, NULL))
    lost("shared memory segment %d is not marked for removal any more: %s", id, strerror(errno));
  return 1;
}
