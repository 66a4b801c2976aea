#define _GNU_SOURCE
#include "charge.h"
#include "tracking/kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE_PAGES = 256, pages_are_lost = 255 };

void charges_note(struct charges *it, uint64_t first, uint64_t end) {
  for (uint64_t after; (first = copy_first(&it->container, first, end, 0)) < end; first = after) {
    after = copy_first(&it->container, first, end, 1);
    copy_add(&it->own, first, after);
  }
}

void charges_forget(struct charges *it, uint64_t first, uint64_t end) {
  copy_forget(&it->container, first, end);
  copy_forget(&it->own, first, end);
}

/** A piece is in memory while its pages are gone: the object needs no more room than it has. */
static int make_again(const struct run *run, void *of) {
  static char bytes[PIECE_PAGES * PAGE];
  const int *fd = of;
  for (uint64_t first = run->first, end = first + run->count; first < end; first += PIECE_PAGES) {
    off_t at = (off_t)(first * PAGE);
    size_t wanted = (end - first < PIECE_PAGES ? end - first : PIECE_PAGES) * PAGE;
    // The end of the object may lie within its last page.
    ssize_t there = pread(*fd, bytes, wanted, at);
    if (there < 0 || fallocate(*fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, (off_t)wanted)) return -errno;
    if (pwrite(*fd, bytes, (size_t)there, at) != there) return -EIO;
  }
  return 0;
}

static _Noreturn void work_inside(const char *cgroup, const struct charged_object *objects, int count) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
  int procs = open(path, O_WRONLY | O_CLOEXEC);
  if (procs < 0 || write(procs, "0", 1) != 1) _exit(errno);
  for (int i = 0; i < count; i++) {
    int fd = objects[i].fd;
    if (copy_had(&objects[i].charges->own, make_again, &fd)) _exit(pages_are_lost);
  }
  _exit(0);
}

static int found(const struct run *run, void *of) {
  (void)run, (void)of;
  return 1;
}

static int pass_on(const struct run *run, void *to) {
  copy_add(to, run->first, run->first + run->count);
  return 0;
}

int charge(const char *cgroup, const struct charged_object *objects, int count) {
  int status, work = 0;
  for (int i = 0; i < count; i++) work |= copy_had(&objects[i].charges->own, found, NULL);
  if (!work) return 0;
  pid_t child = fork();
  if (child < 0) return -errno;
  if (child == 0) work_inside(cgroup, objects, count);
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -errno;
  // The kernel may have killed it: a cgroup has a limit.
  if (!WIFEXITED(status) || WEXITSTATUS(status) == pages_are_lost) return -EIO;
  if (WEXITSTATUS(status)) return -WEXITSTATUS(status);
  for (int i = 0; i < count; i++) {
    struct charges *it = objects[i].charges;
    copy_had(&it->own, pass_on, &it->container);
    copy_free(&it->own);
  }
  return 0;
}
