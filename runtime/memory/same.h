// Pages of a process that are those of its parent (copy-on-write): the store has them once, in the parent's file.
#pragma once
#include "tracking/copy.h"
#include <stdint.h>

/** Where the memory of a process, or a shared object, lies. */
struct place {
  uint64_t task;
  int fd;
  // The pages of which the source has told what they hold.
  struct copy told;
  // Of them, those whose contents lie at the same address of the task `as`.
  struct copy same;
  uint64_t as;
};

struct places {
  struct place *list;
  size_t count;
};

struct place *place_find(const struct places *all, uint64_t task);

// Reads one page, which may lie with another task. 0, or a negative errno.
int same_read(const struct places *all, const struct place *it, uint64_t page, char *into);

// Must be called before the contents of these pages change: what other places have of them is copied, and what `it` had of another
// one is not used any more. 0, or a negative errno.
int same_before_change(const struct places *all, struct place *it, uint64_t first, uint64_t end);

// Takes word that these pages are those of the task `as`. Their own contents must be a hole. 0, or a negative errno.
int same_take(const struct places *all, struct place *it, uint64_t first, uint64_t end, uint64_t as);

// Says which of these pages lie with another task: a frame of no pages, with the parent; then runs, with the task that has the contents.
void same_tell(const struct places *all, const struct place *it, uint64_t first, uint64_t end);
