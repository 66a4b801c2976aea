// What the destination has of the memory of one process: a bit a page. Pages have numbers: address / PAGE.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Pages of 2 MiB that lie side by side.
struct chunk {
  uint64_t number;
  // The destination has it; it is populated now; it must be sent.
  uint64_t had[8], seen[8], changed[8];
  // Of `copy_see_at`: where the kernel kept each page when it was noted. NULL where none was.
  uint32_t *places;
};

struct copy {
  struct chunk **slots;
  size_t room, used;
};

struct run {
  uint64_t first;
  uint32_t count;
  // 1: send these pages. 0: they are not populated any more, so the destination must forget them.
  uint32_t is_sent;
};

// Gets a run, and what the caller of the round gave with it. Returns 0, or what ends the round.
typedef int give_run(const struct run *run, void *to);

// Begins a round: nothing is seen yet.
void copy_begin(struct copy *it);

// These pages are populated. They must be sent if they were written, or if the destination does not have them.
void copy_see(struct copy *it, uint64_t first, uint64_t end, int is_written);

// As `copy_see`, of one page that the kernel keeps at `place`. Where that is not the place noted before, it is another page. With
// `is_noted` the place is noted.
void copy_see_at(struct copy *it, uint64_t page, uint32_t place, int is_written, int is_noted);

// Whether this is the place that `copy_see_at` has noted of a page.
int copy_is_at(const struct copy *it, uint64_t page, uint32_t place);

// The destination does not have these pages after all.
void copy_forget(struct copy *it, uint64_t first, uint64_t end);

// How many pages the end of the round would give to be sent.
uint64_t copy_count(const struct copy *it);

// Ends a round: gives the runs in the order of their addresses, and takes them as done. Returns 0, or what ended it.
int copy_end(struct copy *it, give_run *give, void *to);

// Notes that the destination has these pages, outside of any round.
void copy_add(struct copy *it, uint64_t first, uint64_t end);

// Gives the runs that the destination has, in the order of their addresses. Returns 0, or what ended it.
int copy_had(const struct copy *it, give_run *give, void *to);

// The first of these pages that the destination has, or does not have; `end` where there is none.
uint64_t copy_first(const struct copy *it, uint64_t first, uint64_t end, int is_there);

void copy_free(struct copy *it);
