// What is still missing of the memory of each restored process: plain bookkeeping, which touches no process.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"

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
  struct entry entry;
};

// Gives a memory its own pieces, with all pages missing where it is fresh, and as they are otherwise.
void copy_pieces(struct space *space, const struct piece *pieces, size_t count, bool fresh);
// The piece with this page, numbered as it was dumped, or the first one behind it; NULL where there is none.
struct piece *piece_from(struct piece *pieces, size_t count, uint64_t page);
// The piece that this page is missing from. NULL where none is: it was not dumped, is there, or was given back.
struct piece *piece_now(const struct space *space, uint64_t page);
// Pages of a piece, from its page `from` on, are there.
void settle(struct space *space, struct piece *piece, uint64_t from, uint64_t count);
// Nothing is to be put into what is now at these pages any more.
void forget(struct space *space, uint64_t first, uint64_t end);
// What is now at these pages has gone to others.
void move(struct space *space, uint64_t first, uint64_t count, int64_t by);

// Room for one entry more in a list.
void *more(void *list, size_t *room, size_t count, size_t bytes);
_Noreturn void fail(const char *what);
