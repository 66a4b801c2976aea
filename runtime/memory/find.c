#define _GNU_SOURCE
#include "find.h"
#include "tracking/kernel.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

/** The name of a memfd; empty for an anonymous mapping. `path` is as in /proc/PID/maps. */
static const char *name_in(char *path) {
  static const char prefix[] = "/memfd:", suffix[] = " (deleted)";
  if (strncmp(path, prefix, sizeof prefix - 1)) return "";
  char *name = path + sizeof prefix - 1;
  size_t length = strlen(name), rest = sizeof suffix - 1;
  if (length >= rest && !strcmp(name + length - rest, suffix)) name[length - rest] = 0;
  return name;
}

int find_open(pid_t pid, take_link *take) {
  char folder[32], link[sizeof folder + NAME_MAX + 2], path[PATH_MAX];
  snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
  DIR *files = opendir(folder);
  int error = 0;
  if (!files) return errno == ENOENT || errno == ESRCH ? 0 : -errno;
  for (struct dirent *file; !error && (file = readdir(files));) {
    snprintf(link, sizeof link, "%s/%s", folder, file->d_name);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) continue;
    path[length] = 0;
    if (!strncmp(path, "/memfd:", 7)) error = take(link, name_in(path));
  }
  closedir(files);
  return error;
}

int find_mapped(pid_t pid, take_link *take) {
  char path[64], *line = NULL;
  size_t room = 0;
  int error = 0;
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "re");
  if (!maps) return errno == ENOENT || errno == ESRCH ? 0 : -errno;
  while (!error && getline(&line, &room, maps) > 0) {
    uint64_t start, end;
    char sharing, link[96];
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c %*x %*x:%*x %*u %n", &start, &end, &sharing, &name) < 3) continue;
    line[strcspn(line, "\n")] = 0;
    if (sharing != 's' || (strncmp(line + name, "/dev/zero", 9) && strncmp(line + name, "/memfd:", 7))) continue;
    snprintf(link, sizeof link, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, start, end);
    error = take(link, name_in(line + name));
  }
  free(line);
  fclose(maps);
  return error;
}

/** Whether the kernel destroys segments of this namespace when nobody has them attached any more. */
static int destroys_unattached(void) {
  char value = '1';
  int fd = open("/proc/sys/kernel/shm_rmid_forced", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 1;
  if (read(fd, &value, 1) != 1) value = '1';
  close(fd);
  return value != '0';
}

/** Attaches a segment for a moment. */
static int take_attached(int id, size_t size, take_link *take) {
  char link[96];
  char *at = shmat(id, NULL, SHM_RDONLY);
  // It was removed meanwhile.
  if (at == (void *)-1) return errno == EINVAL || errno == EIDRM ? 0 : -errno;
  snprintf(link, sizeof link, "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, (uintptr_t)at, (uintptr_t)at + (size + PAGE - 1) / PAGE * PAGE);
  int error = take(link, "");
  shmdt(at);
  return error;
}

/** In this process's own namespace. */
static int take_all(has_segment_of *has, take_link *take) {
  struct shm_info info;
  int last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info), error = 0;
  for (int i = 0; i <= last && !error; i++) {
    struct shmid_ds about;
    int id = shmctl(i, SHM_STAT, &about);
    if (id < 0 || has(id)) continue;
    // To attach it and to detach it would destroy it. CRIU sends it as it always does.
    if (about.shm_nattch == 0 && destroys_unattached()) continue;
    error = take_attached(id, about.shm_segsz, take);
  }
  return error;
}

int find_segments(pid_t pid, has_segment_of *has, take_link *take) {
  char path[64];
  struct stat own, its;
  snprintf(path, sizeof path, "/proc/%d/ns/ipc", pid);
  int there = open(path, O_RDONLY | O_CLOEXEC), here = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC), error = 0;
  if (there < 0 && errno != ENOENT && errno != ESRCH) error = -errno;
  // Those of this host are not the container's.
  if (there >= 0 && here >= 0 && !fstat(there, &its) && !fstat(here, &own) && its.st_ino != own.st_ino) {
    if (setns(there, CLONE_NEWIPC)) error = -errno;
    else {
      error = take_all(has, take);
      // Nothing else that it does depends on this namespace, but to stay would be a surprise.
      if (setns(here, CLONE_NEWIPC)) abort();
    }
  }
  if (there >= 0) close(there);
  if (here >= 0) close(here);
  return error;
}
