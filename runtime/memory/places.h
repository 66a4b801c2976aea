// What the store has: a file for each process, and a memfd or a file for each shared object. What cannot be kept ends the program (fail.h).
#pragma once
#include "../frames/frames.h"
#include "charge.h"
#include "tracking/copy.h"

/** Where the memory of a process, or a shared object, lies. */
struct place {
  uint64_t task;
  int fd;
  // The pages of which the source has told what they hold.
  struct copy told;
  // Of them, those whose contents lie at the same address of the task `as` (same.h).
  struct copy same;
  uint64_t as;
  // Of an object.
  struct charges charges;
};

struct places {
  struct place *list;
  size_t count;
};

// @returns NULL where there is none of this task
struct place *places_find(const struct places *all, uint64_t task);

// In this folder. Shared objects are memfds, or files where CRIU does not ask for them.
void places_begin(const char *folder, int has_memfds);

// @returns NULL where nothing of it has come
struct place *place_find(uint64_t task);

// Declares a shared object of `size` bytes, which may have had another size.
void place_object(uint64_t task, uint64_t size, const char *name);

void place_pages(const struct frame *frame, const char *bytes);

// Zeros are holes.
void place_zeros(const struct frame *frame);

// These pages are those of the task in the frame's number.
void place_same(const struct frame *frame);

// Compares with the hashes of what the source has.
void place_compare(const struct frame *frame, const char *hashes);

// What is there of these pages is old.
void place_give_up(const struct frame *frame);

typedef void tell_same_pages(uint64_t task, uint64_t first, uint32_t count, uint64_t as);

// Says which of these pages lie with another task: first the parent, with no pages; then runs, with the task that has their contents.
void places_tell_same(const struct place *it, uint64_t first, uint64_t end, tell_same_pages *tell);

// Charges a cgroup with all shared objects (charge.h). @returns 0 or a negative errno
int places_charge(const char *cgroup);
