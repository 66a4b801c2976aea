#include "memory.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct space *spaces;
size_t space_count;
struct fault *faults;
size_t fault_count;

static size_t space_room, fault_room;

enum { children_between_looks = 64 };

void add_space(int fd, struct task *task) {
  task->begun = true;
  spaces = more(spaces, &space_room, space_count, sizeof *spaces);
  struct space *space = &spaces[space_count++];
  *space = (struct space){.fd = fd, .task = task};
  copy_pieces(space, task->pieces, task->count, true);
}

int ask(const struct space *space) {
  struct uffdio_writeprotect none = {.range = {space->pieces[0].first * page_bytes, page_bytes}};
  return ioctl(space->fd, UFFDIO_WRITEPROTECT, &none) ? errno : 0;
}

static void add_child(size_t parent, int fd) {
  // Otherwise the memories of children that have ended would stay until their turn to be filled.
  for (size_t s = 0; space_count % children_between_looks == 0 && s < space_count; s++)
    if (s != parent && spaces[s].fd >= 0 && spaces[s].count > 0 && ask(&spaces[s]) == ESRCH) release(&spaces[s]);
  spaces = more(spaces, &space_room, space_count, sizeof *spaces);
  const struct space *of = &spaces[parent];
  struct space *child = &spaces[space_count++];
  *child = (struct space){.fd = fd, .task = of->task, .shifted = of->shifted};
  copy_pieces(child, of->pieces, of->count, false);
  // Where the program has changed its advice since the restore, nothing tells it: the kernel has no event for that.
  for (size_t i = 0; i < of->task->withheld_count; i++) withhold(child, &of->task->withheld[i]);
}

void release(struct space *space) {
  if (space->fd < 0) return;
  close(space->fd);
  free(space->pieces);
  free(space->states);
  free(space->remaps);
  *space = (struct space){.fd = -1, .task = space->task};
}

void wake(const struct space *space, uint64_t first, uint64_t count) {
  struct uffdio_range range = {first * page_bytes, count * page_bytes};
  ioctl(space->fd, UFFDIO_WAKE, &range);
}

// What the kernel has filled itself (let_grow) must not be among the pages that have moved.
static void check_grown(const struct space *space, struct remap remap) {
  uint64_t first = space->grown.first > remap.to ? space->grown.first : remap.to;
  uint64_t end = space->grown.first + space->grown.count, moved_end = remap.to + remap.count;
  if (end > moved_end) end = moved_end;
  errno = 0;
  if (first < end && misses(space, remap.first + first - remap.to, remap.first + end - remap.to)) fail("a page that was missing is zeros");
}

static void follow_remap(struct space *space, struct remap remap) {
  check_grown(space, remap);
  space->grown.count = 0;
  move(space, remap);
  // Whoever waits for a page at its old place must look again.
  wake(space, remap.first, remap.count);
}

void read_events(size_t index) {
  struct uffd_msg said;
  while (spaces[index].fd >= 0) {
    ssize_t got = read(spaces[index].fd, &said, sizeof said);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    // After a fork whose event cannot be read, the child would be without its pages.
    if (got != sizeof said) fail("the changes of a memory cannot be read");
    struct space *space = &spaces[index];
    if (said.event != UFFD_EVENT_PAGEFAULT) space->grows = false;
    switch (said.event) {
      case UFFD_EVENT_PAGEFAULT:
        faults = more(faults, &fault_room, fault_count, sizeof *faults);
        faults[fault_count++] = (struct fault){.space = index, .page = said.arg.pagefault.address / page_bytes};
        note_fault(&space->entry);
        break;
      case UFFD_EVENT_FORK: add_child(index, (int)said.arg.fork.ufd); break;
      case UFFD_EVENT_REMAP:
        follow_remap(space, (struct remap){.first = said.arg.remap.from / page_bytes,
                                           .to = said.arg.remap.to / page_bytes,
                                           .count = said.arg.remap.len / page_bytes});
        break;
      case UFFD_EVENT_REMOVE:
      case UFFD_EVENT_UNMAP: {
        uint64_t first = said.arg.remove.start / page_bytes, end = said.arg.remove.end / page_bytes;
        if (said.event == UFFD_EVENT_UNMAP) unmap(space, first, end);
        else forget(space, first, end);
        wake(space, first, end - first);
        break;
      }
      default: fail("an event that is not known");
    }
  }
}
