#include "tracker.h"
#include "pinned.h"
#include <errno.h>
#include <unistd.h>

/** PAGEMAP_SCAN needs no stop in each round, and less time. */
static const struct way *way(void) {
  static const struct way *chosen;
  if (!chosen) chosen = page_scan.check() ? &soft_dirty : &page_scan;
  return chosen;
}

int track(struct tracked *it, pid_t pid) {
  *it = (struct tracked){.pid = pid, .uffd = -1, .is_pinned = is_pinned(pid)};
  return it->is_pinned ? -EBUSY : way()->begin(it);
}

static void let_go(struct tracked *it) {
  if (it->uffd >= 0) close(it->uffd);
  it->uffd = -1;
  it->has_marks = 0;
}

static int look(struct tracked *it, enum look look) {
  if ((it->uffd >= 0 || it->has_marks) && is_pinned(it->pid)) {
    let_go(it);
    it->is_pinned = 1;
  }
  copy_begin(&it->copy);
  return way()->look(it, look);
}

int track_round(struct tracked *it, int is_frozen, give_run *give, void *to) {
  int error = look(it, is_frozen ? FOR_THE_LAST : FOR_A_ROUND);
  return error ? error : copy_end(&it->copy, give, to);
}

int track_count(struct tracked *it, uint64_t *pages) {
  int error = look(it, TO_COUNT);
  if (!error) *pages = copy_count(&it->copy);
  return error;
}

uint64_t track_unwritten(const struct tracked *it, int pagemap, uint64_t first, uint64_t end) {
  return way()->unwritten(it, pagemap, first, end);
}

uint64_t track_check(void) { return (page_scan.check() ? 0 : HAS_PAGE_SCAN) | (soft_dirty.check() ? 0 : HAS_SOFT_DIRTY); }

void track_end(struct tracked *it) {
  let_go(it);
  copy_free(&it->copy);
  *it = (struct tracked){.uffd = -1};
}
