// What the destination has of the memory of one process: a bit a page. Pages have numbers: address / PAGE.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Pages of 2 MiB that lie side by side.
struct chunk {
  uint64_t number;
  // The destination has it; it is populated now; it must be sent.
  uint64_t had[8], seen[8], changed[8];
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

// Begins a round: nothing is seen yet.
void copy_begin(struct copy *it);

// These pages are populated. They must be sent if they were written, or if the destination does not have them.
void copy_see(struct copy *it, uint64_t first, uint64_t end, int is_written);

// The destination does not have these pages after all.
void copy_forget(struct copy *it, uint64_t first, uint64_t end);

// Ends a round: gives the runs in the order of their addresses, and takes them as done. `give` returns 0, or what ends it.
int copy_end(struct copy *it, int (*give)(const struct run *));

void copy_free(struct copy *it);
