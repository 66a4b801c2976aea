#include "memory.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct space *spaces;
size_t space_count;
struct fault *faults;
size_t fault_count;

static size_t space_room, fault_room;
// A host that is short of memory for a moment has some again soon.
static const int memory_tries = 100, memory_wait_us = 20000;

static void copy_pieces(struct space *space, const struct piece *pieces, size_t count, const bool fresh) {
  uint64_t pages = 0;
  for (size_t i = 0; i < count; i++) pages += pieces[i].count;
  space->states = malloc(pages + 1);
  space->room = space->count = count;
  space->pieces = malloc((count + 1) * sizeof *pieces);
  if (!space->states || !space->pieces) fail("memory");
  uint8_t *states = space->states;
  for (size_t i = 0; i < count; i++) {
    struct piece *piece = &space->pieces[i];
    *piece = pieces[i];
    if (fresh) memset(states, missing, piece->count);
    else memcpy(states, pieces[i].states, piece->count);
    if (fresh) piece->left = piece->count;
    piece->states = states;
    states += piece->count;
    space->left += piece->left;
  }
}

void add_space(int fd, struct task *task) {
  task->begun = true;
  spaces = more(spaces, &space_room, space_count, sizeof *spaces);
  struct space *space = &spaces[space_count++];
  *space = (struct space){.fd = fd, .task = task};
  copy_pieces(space, task->pieces, task->count, true);
}

static void add_child(size_t parent, int fd) {
  spaces = more(spaces, &space_room, space_count, sizeof *spaces);
  const struct space *of = &spaces[parent];
  struct space *child = &spaces[space_count++];
  *child = (struct space){.fd = fd, .task = of->task, .shifted = of->shifted};
  copy_pieces(child, of->pieces, of->count, false);
}

void release(struct space *space) {
  if (space->fd < 0) return;
  close(space->fd);
  free(space->pieces);
  free(space->states);
  *space = (struct space){.fd = -1, .task = space->task};
}

struct piece *piece_from(struct piece *pieces, size_t count, uint64_t page) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (pieces[middle].first + pieces[middle].count <= page) low = middle + 1;
    else high = middle;
  }
  return low < count ? &pieces[low] : NULL;
}

struct piece *piece_now(const struct space *space, uint64_t page) {
  if (!space->shifted) {
    struct piece *piece = piece_from(space->pieces, space->count, page);
    return piece && piece->first <= page ? piece : NULL;
  }
  for (size_t i = 0; i < space->count; i++) {
    struct piece *piece = &space->pieces[i];
    uint64_t now = piece->first + piece->moved;
    if (piece->left > 0 && now <= page && page < now + piece->count) return piece;
  }
  return NULL;
}

static void settle(struct space *space, struct piece *piece, uint64_t from, uint64_t count) {
  for (uint64_t i = from; i < from + count; i++) {
    if (piece->states[i] == there) continue;
    piece->states[i] = there;
    piece->left--;
    space->left--;
  }
}

// Nothing is to be put into these pages any more.
static void forget(struct space *space, uint64_t first, uint64_t end) {
  for (size_t i = 0; i < space->count; i++) {
    struct piece *piece = &space->pieces[i];
    uint64_t now = piece->first + piece->moved;
    if (piece->left == 0 || now >= end || now + piece->count <= first) continue;
    uint64_t from = now < first ? first - now : 0;
    uint64_t to = now + piece->count > end ? end - now : piece->count;
    settle(space, piece, from, to - from);
  }
}

// Cuts a piece in two; the second begins with its page `at`.
static void cut(struct space *space, size_t index, uint64_t at) {
  space->pieces = more(space->pieces, &space->room, space->count, sizeof *space->pieces);
  struct piece *piece = &space->pieces[index];
  memmove(piece + 1, piece, (space->count - index) * sizeof *piece);
  space->count++;
  struct piece *rest = piece + 1;
  rest->first += at;
  rest->count -= at;
  rest->states += at;
  rest->offset += at * page_bytes;
  rest->left = 0;
  for (uint64_t i = 0; i < rest->count; i++) rest->left += rest->states[i] != there;
  piece->count = at;
  piece->left -= rest->left;
}

static void move(struct space *space, uint64_t first, uint64_t count, int64_t by) {
  for (size_t i = 0; i < space->count; i++) {
    uint64_t now = space->pieces[i].first + space->pieces[i].moved;
    if (space->pieces[i].left == 0 || now >= first + count || now + space->pieces[i].count <= first) continue;
    if (now < first) {
      cut(space, i, first - now);
      continue;
    }
    if (now + space->pieces[i].count > first + count) cut(space, i, first + count - now);
    space->pieces[i].moved += by;
    space->shifted = true;
  }
}

void read_events(size_t index) {
  struct uffd_msg said;
  while (spaces[index].fd >= 0) {
    ssize_t got = read(spaces[index].fd, &said, sizeof said);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got != sizeof said) return release(&spaces[index]);
    struct space *space = &spaces[index];
    switch (said.event) {
      case UFFD_EVENT_PAGEFAULT:
        faults = more(faults, &fault_room, fault_count, sizeof *faults);
        faults[fault_count++] = (struct fault){index, said.arg.pagefault.address / page_bytes};
        break;
      case UFFD_EVENT_FORK: add_child(index, (int)said.arg.fork.ufd); break;
      case UFFD_EVENT_REMAP:
        move(space, said.arg.remap.from / page_bytes, said.arg.remap.len / page_bytes,
             ((int64_t)said.arg.remap.to - (int64_t)said.arg.remap.from) / page_bytes);
        break;
      case UFFD_EVENT_REMOVE:
      case UFFD_EVENT_UNMAP:
        forget(space, said.arg.remove.start / page_bytes, said.arg.remove.end / page_bytes);
        break;
      default: fail("an event that is not known");
    }
  }
}

static void wake(const struct space *space, uint64_t page) {
  struct uffdio_range range = {page * page_bytes, page_bytes};
  ioctl(space->fd, UFFDIO_WAKE, &range);
}

// Puts pages where they are now. Returns how many are settled; none where the memory has changed, and must be looked at again.
static uint64_t put(size_t index, uint64_t page, uint64_t count, const char *bytes) {
  for (int tries = 0;;) {
    const struct space *space = &spaces[index];
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
    if (!failed) return count;
    if (done > 0) return (uint64_t)done / page_bytes;
    switch (errno) {
      case EAGAIN: {
        // The program is changing its mappings, and waits until that is heard.
        struct pollfd soon = {space->fd, POLLIN, 0};
        poll(&soon, 1, 1);
        read_events(index);
        return 0;
      }
      case EEXIST: wake(space, page); return 1;
      case ENOENT:
      case EINVAL:
        // No mapping has all of these pages: one by one shows which are left of them.
        if (count > 1) {
          count /= 2;
          continue;
        }
        wake(space, page);
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
    uint64_t run = 1;
    while (page + run < first + count && at + run < piece->count && piece->states[at + run] != there) run++;
    uint64_t done = put(index, page + piece->moved, run, bytes ? bytes + (page - first) * page_bytes : NULL);
    // Not before: what the program has changed meanwhile was followed.
    if (done > 0) settle(&spaces[index], piece, at, done);
    page += done;
  }
}

void zero(size_t index, uint64_t page) {
  while (spaces[index].fd >= 0 && put(index, page, 1, NULL) == 0) {
    // It may have been moved into place meanwhile.
    if (piece_now(&spaces[index], page)) return;
  }
}

void *more(void *list, size_t *room, size_t count, size_t bytes) {
  if (count < *room) return list;
  *room = *room ? *room * 2 : 16;
  list = realloc(list, *room * bytes);
  if (!list) fail("memory");
  return list;
}

void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}
