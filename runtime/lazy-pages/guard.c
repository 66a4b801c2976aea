#define _GNU_SOURCE
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

static const int look_again_us = 10000;

typedef bool visit(int folder, const char *name, bool is_folder);

// Visits every entry of a folder. Returns whether the whole folder could be listed and every visit returned true.
static bool all_in(int folder, visit *each) {
  char list[2048] __attribute__((aligned(8)));
  bool all = true;
  ssize_t got;
  while ((got = getdents64(folder, list, sizeof list)) > 0)
    for (ssize_t at = 0; at < got;) {
      const struct dirent64 *entry = (void *)(list + at);
      at += entry->d_reclen;
      if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
        all &= each(folder, entry->d_name, entry->d_type == DT_DIR);
    }
  return got == 0 && all;
}

// Returns false where the cgroup has no such file, or the file cannot be written now.
static bool write_file(int cgroup, const char *name, const char *text) {
  int fd = openat(cgroup, name, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = write(fd, text, strlen(text)) > 0;
  close(fd);
  return done;
}

// Whether has_none must kill the processes one by one, because the cgroup has no cgroup.kill.
static bool kill_each;

// Whether a cgroup itself has no process.
static bool has_none(int cgroup) {
  char pids[4096];
  int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENODEV;
  ssize_t got = read(fd, pids, sizeof pids - 1);
  int failed = got < 0 ? errno : 0;
  close(fd);
  // The processes of a threaded cgroup are listed in the one above it.
  if (failed) return failed == ENOENT || failed == ENODEV || failed == EOPNOTSUPP;
  pids[got] = 0;
  // Processes that did not fit into the buffer are killed at the next look.
  for (char *at = pids, *end; kill_each && (end = strchr(at, '\n')); at = end + 1) {
    pid_t pid = atoi(at);
    if (pid > 0) kill(pid, SIGKILL);
  }
  return got == 0;
}

static bool is_empty(int cgroup);

static bool is_empty_below(int cgroup, const char *name, bool is_folder) {
  if (!is_folder) return true;
  int below = openat(cgroup, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (below < 0) return errno == ENOENT;
  bool empty = is_empty(below);
  close(below);
  return empty;
}

// Whether neither a cgroup nor any cgroup below it has a process.
static bool is_empty(int cgroup) {
  bool none = has_none(cgroup);
  return all_in(cgroup, is_empty_below) && none;
}

static bool is_let_go(int folder, const char *name, bool is_folder) {
  (void)is_folder;
  int fd = atoi(name);
  if (fd == folder) return true;
  // Held memory is not registered for write protection, so that this call changes nothing. It only shows whether the memory exists.
  struct uffdio_writeprotect nothing = {.range = {0x10000000, 4096}, .mode = UFFDIO_WRITEPROTECT_MODE_DONTWAKE};
  if (ioctl(fd, UFFDIO_WRITEPROTECT, &nothing) == 0 || errno == ENOENT || errno == EAGAIN) return false;
  // This frees a place in the table of descriptors, which may be full.
  if (errno == ESRCH) close(fd);
  return true;
}

// Whether no process exists any more whose memory is held here. A kernel before 5.7 cannot tell.
static bool no_memory_is_held(void) {
  int descriptors = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptors < 0) return false;
  bool none = all_in(descriptors, is_let_go);
  close(descriptors);
  return none;
}

void end_container(const char *path) {
  // The two descriptors are needed for what is opened below, also if all others are in use.
  close(0);
  close(1);
  for (;; usleep(look_again_us)) {
    int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ended = cgroup < 0 && errno == ENOENT;
    if (cgroup >= 0) {
      kill_each = !write_file(cgroup, "cgroup.kill", "1");
      ended = is_empty(cgroup);
      // In version 1 a killed process dies only after the thaw. In version 2 runc takes a frozen cgroup for a paused container.
      write_file(cgroup, "freezer.state", "THAWED");
      write_file(cgroup, "cgroup.freeze", "0");
      close(cgroup);
    }
    if (no_memory_is_held() && ended) return;
  }
}

void take_other_name(char **arguments, int count, const char *folder) {
  const char name[] = "godwit-memory-guard";
  char *end = arguments[count - 1] + strlen(arguments[count - 1]);
  size_t room = (size_t)(end - arguments[0]);
  memset(arguments[0], 0, room);
  strncpy(arguments[0], name, room);
  if (sizeof name + strlen(folder) <= room) strcpy(arguments[0] + sizeof name, folder);
  prctl(PR_SET_NAME, "godwit-guard");
}
