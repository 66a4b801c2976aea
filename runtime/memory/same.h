// Pages of a process that are those of its parent (copy-on-write): the store has them once, in the parent's file.
#pragma once
#include "places.h"

// Reads one page, which may lie with another task. 0, or a negative errno.
int same_read(const struct places *all, const struct place *it, uint64_t page, char *into);

// Must be called before the contents of these pages change: what other places have of them is copied, and what `it` had of another
// one is not used any more. 0, or a negative errno.
int same_before_change(const struct places *all, struct place *it, uint64_t first, uint64_t end);

// Takes word that these pages are those of the task `as`. Their own contents must be a hole. 0, or a negative errno.
int same_take(const struct places *all, struct place *it, uint64_t first, uint64_t end, uint64_t as);

// See places_tell_same.
void same_tell(const struct places *all, const struct place *it, uint64_t first, uint64_t end, tell_same_pages *tell);
