// Tracks the missing pages of each restored process. This code touches no process.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"

enum { page_bytes = 4096 };

// The state of a page: in the memory or not needed any more; missing; missing, and a thread waits for it.
enum { there = 0, missing = 1, wanted = 2 };

// Consecutive pages that were dumped together.
struct piece {
  uint64_t first;   // Number of its first page when it was dumped: its address divided by page_bytes.
  uint64_t count;
  int64_t moved;    // How many pages it has moved since the dump: a program may remap it.
  uint64_t left;    // How many pages are missing.
  bool departs;     // Another thread has moved memory to its place already: what became of it is still to be told.
  uint8_t *states;  // The state of each page.
  int file;         // Index of the file of this host with its contents; -1 if they come from the source.
  uint64_t offset;  // Of the first page in that file, in bytes.
};

// Consecutive pages. Numbers are those of the dump, unless said.
struct range {
  uint64_t first, count;
};

// The dumped memory of a task, by rising address.
struct task {
  uint64_t id;
  struct piece *pieces;
  size_t count;
  struct range *withheld;  // What a child of it does not inherit.
  size_t withheld_count, withheld_room;
  bool begun;  // CRIU has sent its userfaultfd.
};

// A move by the program: `count` pages from `first` on went to `to`. Numbers are those at that time.
struct remap {
  uint64_t first, to, count;
};

// A memory that is being filled: of a restored task, or of a child that the task forked since.
struct space {
  int fd;           // Its userfaultfd; -1 if no page is missing, or the process has ended.
  struct task *task;
  struct piece *pieces;  // By rising number in the dump.
  size_t count, room;
  uint64_t left;
  uint8_t *states;
  bool shifted;     // A piece has moved.
  struct remap *remaps;  // Those of which the source is still to be told as unmapped.
  size_t remap_count, remap_room;
  bool grows;       // The program waits in a move of locked memory: put.c.
  struct range grown;  // What it got of that from the kernel itself, in present numbers.
  struct entry entry;
};

// Copies pieces into a memory. With `fresh` all pages are missing; otherwise the states of the pages are copied too.
void copy_pieces(struct space *space, const struct piece *pieces, size_t count, bool fresh);
// The piece with this page, or else the first piece behind it; NULL where there is none. Numbers are those of the dump.
struct piece *piece_from(struct piece *pieces, size_t count, uint64_t page);
// The piece in which this page is missing; `page` is its present number. NULL where the page was not dumped, is there, or was unmapped.
struct piece *piece_now(const struct space *space, uint64_t page);
// Whether a page is missing among those that are now from `first` up to `end`.
bool misses(const struct space *space, uint64_t first, uint64_t end);
// Marks `count` pages of a piece as there, from page `from` of the piece on.
void settle(struct space *space, struct piece *piece, uint64_t from, uint64_t count);
// Marks pages as there, wherever they are now: a child does not get them.
void withhold(struct space *space, const struct range *range);
// Marks the pages that are now from `first` up to `end` as there: the program has unmapped or discarded them.
void forget(struct space *space, uint64_t first, uint64_t end);
// The same for what the kernel tells as unmapped: after a remap it tells the source of that, when it may have other pages already.
void unmap(struct space *space, uint64_t first, uint64_t end);
// Follows a remap.
void move(struct space *space, struct remap remap);
// Call it when no event is to come of any change that has ended.
void settle_remaps(struct space *space);

// Makes space for one more entry of `bytes` bytes in a list with `count` entries. Returns the list, which may have moved.
void *more(void *list, size_t *room, size_t count, size_t bytes);
// Writes the text and errno to standard error, and ends the process with status 1.
_Noreturn void fail(const char *what);
