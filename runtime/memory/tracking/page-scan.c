#define _GNU_SOURCE
#include "../../ptrace/tracee.h"
#include "kernel.h"
#include "mappings.h"
#include "tracker.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

enum { ROOM = 1 << 15 };
static struct region regions[ROOM];

/** Takes a userfaultfd that a process has just made. All of its threads stand still, so no child has inherited it. */
static int take_descriptor(struct tracee *tracee, int theirs) {
  int pidfd = syscall(SYS_pidfd_open, tracee->pid, 0);
  int ours = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, theirs, 0);
  int error = ours < 0 ? -errno : 0;
  if (pidfd >= 0) close(pidfd);
  long closed = tracee_call(tracee, SYS_close, theirs, 0, 0);
  if (!error && closed) {
    close(ours);
    error = closed;
  }
  return error ? error : ours;
}

struct making {
  pid_t pid;
  // A descriptor, or a negative errno.
  int uffd;
};

static void make_userfaultfd(void *of) {
  struct making *it = of;
  struct tracee tracee;
  it->uffd = tracee_interrupt(&tracee, it->pid);
  if (!it->uffd) {
    long theirs = tracee_call(&tracee, SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY, 0, 0);
    it->uffd = theirs < 0 ? theirs : take_descriptor(&tracee, theirs);
  }
  tracee_release(&tracee);
}

static int begin(struct tracked *it) {
  struct making making = {.pid = it->pid};
  int error = tracee_apart(make_userfaultfd, &making);
  if (error || making.uffd < 0) return error ? error : making.uffd;
  error = uffd_prepare(making.uffd);
  if (error) close(making.uffd);
  else it->uffd = making.uffd;
  return error;
}

/** A region that is populated: what of it is the process's own memory. */
static void see(struct tracked *it, const struct mapping *of, int pagemap, const struct region *region, int is_new) {
  int is_written = is_new || region->categories & WRITTEN;
  if (region->categories & ZERO_PAGE || (of->is_file && region->categories & OF_FILE)) return;
  if (!(region->categories & SWAPPED) || region->categories & PRESENT) {
    copy_see(&it->copy, region->start / PAGE, region->end / PAGE, is_written);
    return;
  }
  for (uint64_t at = region->start; at < region->end; at += PAGE)
    if (!is_marker(pagemap, at)) copy_see(&it->copy, at / PAGE, at / PAGE + 1, is_written);
}

/**
 * Looks through one mapping. A mapping that is not registered is new, or was moved: all that is populated in it counts as written. So it
 * does after any other error, because a scan that fails has protected pages again without telling that they were written.
 */
static void look(struct tracked *it, const struct mapping *of, int pagemap, enum scan_kind asked) {
  enum scan_kind kind = it->uffd < 0 ? LOOK : asked;
  int is_new = kind == LOOK;
  for (uint64_t at = of->start; at < of->end;) {
    uint64_t reached = at;
    long found = scan(pagemap, kind, at, of->end, regions, ROOM, &reached);
    if (found < 0) {
      // What is gone meanwhile the next round sees.
      if (kind == LOOK) return;
      int can_track = found == -EPERM && !is_new && kind == PROTECT_AGAIN && !uffd_register(it->uffd, of->start, of->end);
      if (!can_track) kind = LOOK;
      is_new = 1;
      at = of->start;
      continue;
    }
    for (long i = 0; i < found; i++) see(it, of, pagemap, &regions[i], is_new);
    if (reached <= at) return;
    at = reached;
  }
}

static int look_at_all(struct tracked *it, enum look why) {
  struct mapping *mappings;
  // Opened anew in each round: an older descriptor belongs to the memory before an execve.
  int pagemap = open_proc(it->pid, "pagemap", O_RDONLY);
  if (pagemap < 0) return pagemap;
  long count = read_mappings(it->pid, &mappings);
  for (long i = 0; i < count; i++) look(it, &mappings[i], pagemap, why == FOR_A_ROUND ? PROTECT_AGAIN : LOOK_TRACKED);
  free(mappings);
  close(pagemap);
  return count < 0 ? count : 0;
}

static uint64_t unwritten(const struct tracked *it, int pagemap, uint64_t first, uint64_t end) {
  uint64_t reached, at = first * PAGE;
  if (it->uffd < 0) return first;
  long found = scan(pagemap, LOOK_TRACKED, at, end * PAGE, regions, ROOM, &reached);
  for (long i = 0; i < found && regions[i].start == at && !(regions[i].categories & WRITTEN); i++) at = regions[i].end;
  return at / PAGE;
}

/** Needs userfaultfd as well. */
static int check(void) {
  int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  int error = fd < 0 ? -errno : uffd_prepare(fd);
  if (fd >= 0) close(fd);
  struct tracked self = {.pid = getpid(), .uffd = -1};
  if (!error) error = look_at_all(&self, TO_COUNT);
  if (!error && copy_count(&self.copy) == 0) error = -ENOTSUP;
  copy_free(&self.copy);
  return error;
}

const struct way page_scan = {check, begin, look_at_all, unwritten};
