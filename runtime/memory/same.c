#define _GNU_SOURCE
#include "same.h"
#include "tracking/kernel.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int is_same(const struct place *it, uint64_t page) { return copy_first(&it->same, page, page + 1, 1) == page; }

int same_read(const struct places *all, const struct place *it, uint64_t page, char *into) {
  // A parent has its pages before its child is said to share them, so there is no circle.
  while (it && is_same(it, page)) it = places_find(all, it->as);
  if (!it) return -ENOENT;
  memset(into, 0, PAGE);
  return pread(it->fd, into, PAGE, (off_t)(page * PAGE)) < 0 ? -errno : 0;
}

/** Gives a place contents of its own for these pages. */
static int make_own(const struct places *all, struct place *it, uint64_t first, uint64_t end) {
  static char page[PAGE] __attribute__((aligned(PAGE)));
  for (uint64_t at = first; (at = copy_first(&it->same, at, end, 1)) < end; at++) {
    int error = same_read(all, it, at, page);
    if (error) return error;
    if (pwrite(it->fd, page, PAGE, (off_t)(at * PAGE)) != PAGE) return errno ? -errno : -EIO;
    copy_forget(&it->same, at, at + 1);
  }
  return 0;
}

struct owner {
  const struct places *all;
  struct place *it;
};

static int make_run_own(const struct run *run, void *to) {
  struct owner *owner = to;
  return make_own(owner->all, owner->it, run->first, run->first + run->count);
}

int same_before_change(const struct places *all, struct place *it, uint64_t first, uint64_t end) {
  for (size_t i = 0; i < all->count; i++) {
    struct place *other = &all->list[i];
    int error = other->same.used && other->as == it->task ? make_own(all, other, first, end) : 0;
    if (error) return error;
  }
  if (it->same.used) copy_forget(&it->same, first, end);
  return 0;
}

int same_take(const struct places *all, struct place *it, uint64_t first, uint64_t end, uint64_t as) {
  const struct place *parent = places_find(all, as);
  if (!parent || as == it->task || copy_first(&parent->told, first, end, 0) != end) return -EPROTO;
  for (const struct place *up = parent; up && up->same.used; up = places_find(all, up->as))
    if (up->as == it->task) return -EPROTO;
  if (it->as != as && it->same.used) {
    // Its parent has ended, and another process is its parent now.
    struct owner owner = {all, it};
    int error = copy_had(&it->same, make_run_own, &owner);
    if (error) return error;
    copy_free(&it->same);
  }
  it->as = as;
  copy_add(&it->same, first, end);
  copy_add(&it->told, first, end);
  return 0;
}

/** How many of these pages, which are those of another task, lie with the same one: `*owner`. */
static uint64_t find_owner(const struct places *all, const struct place *it, uint64_t first, uint64_t end, uint64_t *owner) {
  while (is_same(it, first)) {
    end = copy_first(&it->same, first, end, 0);
    it = places_find(all, it->as);
  }
  // From here on it is not the same: a page that is again lies elsewhere.
  *owner = it->task;
  return copy_first(&it->same, first, end, 1) - first;
}

void same_tell(const struct places *all, const struct place *it, uint64_t first, uint64_t end, tell_same_pages *tell) {
  uint64_t owner, count;
  if (!it->same.used) return;
  tell(it->task, 0, 0, it->as);
  for (uint64_t at = first; (at = copy_first(&it->same, at, end, 1)) < end; at += count) {
    count = find_owner(all, it, at, end, &owner);
    tell(it->task, at, (uint32_t)count, owner);
  }
}
