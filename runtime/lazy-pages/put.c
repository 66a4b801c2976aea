#include "put.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

// A host that lacks memory for a moment may have some again after a short wait.
static const int memory_tries = 100, memory_wait_us = 20000;
// The kernel tells of a change within about a millisecond, unless it waits for pages itself.
enum { change_tries = 20 };

// Where a program moves locked memory and makes it larger (mremap), the kernel brings the pages of the new part before it tells of the
// move, and until it has told it takes no page: a deadlock. This lets the kernel itself fill a page for which it waits. Returns the
// page; 0 for none. It was not dumped, because no page of the new part was.
static uint64_t let_grow(size_t index) {
  struct space *space = &spaces[index];
  for (size_t i = 0; i < fault_count; i++) {
    struct fault *fault = &faults[i];
    if (fault->over || fault->space != index || piece_now(space, fault->page)) continue;
    struct uffdio_range range = {fault->page * page_bytes, page_bytes};
    fault->over = ioctl(space->fd, UFFDIO_UNREGISTER, &range) == 0;
    if (!fault->over) continue;
    if (space->grown.count == 0 || fault->page != space->grown.first + space->grown.count) space->grown = (struct range){fault->page, 0};
    space->grown.count++;
    return fault->page;
  }
  return 0;
}

// Makes one mapping again of those that let_grow has made: a program can only move what is one mapping.
static void has_grown(size_t index, uint64_t *page) {
  struct uffdio_register range = {.range = {*page * page_bytes, page_bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (*page > 0 && spaces[index].fd >= 0) ioctl(spaces[index].fd, UFFDIO_REGISTER, &range);
  *page = 0;
}

static uint64_t try_put(size_t index, uint64_t page, uint64_t count, const char *bytes, uint64_t *growing) {
  bool is_certain = false;
  for (int tries = 0, silent = 0;;) {
    struct space *space = &spaces[index];
    int64_t done;
    int failed;
    if (bytes) {
      struct uffdio_copy copy = {.dst = page * page_bytes, .src = (uintptr_t)bytes, .len = count * page_bytes};
      failed = ioctl(space->fd, UFFDIO_COPY, &copy);
      done = copy.copy;
    } else {
      struct uffdio_zeropage zeros = {.range = {page * page_bytes, count * page_bytes}};
      failed = ioctl(space->fd, UFFDIO_ZEROPAGE, &zeros);
      done = zeros.zeropage;
    }
    if (!failed || errno != EAGAIN) settle_remaps(space);
    if (!failed) return count;
    if (done > 0) return (uint64_t)done / page_bytes;
    switch (errno) {
      case EAGAIN: {
        // The program changes its mappings, and waits until this event is read.
        struct pollfd soon = {space->fd, POLLIN, 0};
        if (space->grows && *growing == 0) *growing = let_grow(index);
        if (poll(&soon, 1, 1) == 0) {
          space->grows |= ++silent >= change_tries;
          continue;
        }
        has_grown(index, growing);
        read_events(index);
        return 0;
      }
      case EEXIST: wake(space, page, 1); return 1;
      case ENOENT:
      case EINVAL:
        // No single mapping has all of these pages. Smaller parts show which of them are left.
        if (count > 1) {
          count /= 2;
          continue;
        }
        // If the program moved the page during the call, its event is still to come, and only another call says EAGAIN.
        if (!is_certain) {
          is_certain = true;
          continue;
        }
        wake(space, page, 1);
        return 1;
      case ESRCH:
      case ENOSPC: release(&spaces[index]); return 0;
      case ENOMEM:
        if (++tries < memory_tries) {
          usleep(memory_wait_us);
          continue;
        }
        fail("no memory is left for the container");
      default: fail("pages cannot be put into the container");
    }
  }
}

// Puts pages at their present addresses; without `bytes` they hold zeros. Returns how many are done. 0 means that the memory has
// changed, and the caller must examine it again.
static uint64_t put(size_t index, uint64_t page, uint64_t count, const char *bytes) {
  uint64_t growing = 0, done = try_put(index, page, count, bytes, &growing);
  has_grown(index, &growing);
  return done;
}

// Learns where a piece went. Where nothing is to be told any more, it went without an event, and nobody has it.
static void follow_departure(size_t index, struct piece *piece) {
  struct space *space = &spaces[index];
  if (ask(space) != EAGAIN) return settle(space, piece, 0, piece->count);
  struct pollfd soon = {space->fd, POLLIN, 0};
  poll(&soon, 1, 1);
  read_events(index);
}

void fill(size_t index, uint64_t first, uint64_t count, const char *bytes) {
  uint64_t page = first;
  while (spaces[index].fd >= 0 && page < first + count) {
    struct space *space = &spaces[index];
    struct piece *piece = piece_from(space->pieces, space->count, page);
    if (!piece) return;
    if (piece->first > page) page = piece->first;
    uint64_t at = page - piece->first;
    if (page >= first + count) return;
    if (piece->states[at] == there) {
      page++;
      continue;
    }
    if (piece->departs) {
      follow_departure(index, piece);
      continue;
    }
    uint64_t run = 1;
    bool awaited = piece->states[at] == wanted;
    for (; page + run < first + count && at + run < piece->count && piece->states[at + run] != there; run++)
      awaited |= piece->states[at + run] == wanted;
    uint64_t done = put(index, page + piece->moved, run, bytes ? bytes + (page - first) * page_bytes : NULL);
    // Only now, because `put` may have followed changes of the program.
    if (done > 0) settle(&spaces[index], piece, at, done);
    if (done > 0 && awaited) note_served(&spaces[index].entry);
    page += done;
  }
}

void zero(size_t index, uint64_t page) {
  while (spaces[index].fd >= 0 && put(index, page, 1, NULL) == 0) {
    // The program may have moved a piece to this page meanwhile.
    if (piece_now(&spaces[index], page)) return;
  }
}
