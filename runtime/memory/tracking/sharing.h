// Copy-on-write: which pages of a process are the same frames as those of its parent, at the same addresses.
#pragma once
#include "tracker.h"

struct sharing {
  // Open /proc/PID/pagemap of both; -1 where there is no parent.
  int own, parents;
  const struct tracked *parent;
  // The parent runs on, so its pages must not have been written since it was sent.
  int is_live;
};

enum page_kind {
  // The destination has the contents of this page: they are those of the parent's page.
  SAME_AS_PARENT,
  // Other processes have this frame too.
  MAPPED_OFTEN,
  MAPPED_ONCE,
};

// `parent` may be NULL. 0, or a negative errno.
int sharing_begin(struct sharing *it, pid_t pid, const struct tracked *parent, int is_live);

// How many pages from `first` on, at most `count`, are of one kind. The process was scanned before, and its parent sent before that.
uint32_t sharing_run(const struct sharing *it, uint64_t first, uint32_t count, enum page_kind *kind);

void sharing_end(struct sharing *it);
