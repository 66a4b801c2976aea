// What is still missing of the memory of each restored process, and how it gets there.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { page_bytes = 4096 };

// What is known of a page.
enum { there = 0, missing = 1, wanted = 2 };

// Consecutive pages that were dumped together.
struct piece {
  uint64_t first;   // Number of its first page when it was dumped: its address divided by page_bytes.
  uint64_t count;
  int64_t moved;    // Where it is now, in pages from there: a program may remap it.
  uint64_t left;    // Pages that are not there yet.
  uint8_t *states;  // Of each page.
  int file;         // Where its contents are on this host, or -1: they come from the source.
  uint64_t offset;  // In that file, of the first page.
};

// Memory of a task, as it was dumped. By rising address.
struct task {
  uint64_t id;
  struct piece *pieces;
  size_t count;
  bool begun;  // CRIU has given its memory away.
};

// A memory that is being filled: that of a restored task, or of a child that it forked since.
struct space {
  int fd;           // Its userfaultfd, or -1: it needs nothing more, or has gone.
  struct task *task;
  struct piece *pieces;  // By rising number when they were dumped.
  size_t count, room;
  uint64_t left;
  uint8_t *states;
  bool shifted;     // A piece of it has moved.
};

// A thread that waits for a page.
struct fault {
  size_t space;
  uint64_t page;
};

// All of them; entries keep their number for good.
extern struct space *spaces;
extern size_t space_count;
// Faults that nobody has looked at yet.
extern struct fault *faults;
extern size_t fault_count;

// A memory in which everything that was dumped of the task is missing.
void add_space(int fd, struct task *task);
// Takes what the kernel tells of a memory: faults are put aside, changes are followed. Never waits.
void read_events(size_t space);
// Puts pages, numbered as they were dumped, into a memory, except those that are there; without bytes they hold zeros.
void fill(size_t space, uint64_t first, uint64_t count, const char *bytes);
// The piece with this page, numbered as it was dumped, or the first one behind it; NULL where there is none.
struct piece *piece_from(struct piece *pieces, size_t count, uint64_t page);
// The piece that has this page now. NULL where none has: it was not dumped, or was given back.
struct piece *piece_now(const struct space *space, uint64_t page);
// A page that nothing is known of: what was never written reads as zeros.
void zero(size_t space, uint64_t page);
// Lets go of a memory that has everything, or has gone.
void release(struct space *space);

void *more(void *list, size_t *room, size_t count, size_t bytes);
_Noreturn void fail(const char *what);
