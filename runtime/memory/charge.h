// Shared objects are charged to the container: the kernel counts a page for the cgroup of the process that has touched it first.
#pragma once
#include "tracking/copy.h"

/** Of the pages that an object has: those that the container is charged with, and those that this process is. */
struct charges {
  struct copy container, own;
};

// These pages were written. Those that were not there before are charged to this process.
void charges_note(struct charges *it, uint64_t first, uint64_t end);

// These pages are holes now.
void charges_forget(struct charges *it, uint64_t first, uint64_t end);

struct charged_object {
  int fd;
  struct charges *charges;
};

// Charges a cgroup, the container's, with what this process is charged with. `cgroup` is its folder. These pages are made again, a few at a
// time, by a child that is in the cgroup for as long as that takes. 0, or a negative errno where nothing has changed; -EIO where pages are
// lost.
int charge(const char *cgroup, const struct charged_object *objects, int count);
