#define _GNU_SOURCE
#include "sharing.h"
#include "kernel.h"
#include <fcntl.h>
#include <unistd.h>

enum { MOST = 512 };

// An entry of pagemap (Documentation/admin-guide/mm/pagemap.rst). Without the right to see frames they all read as 0.
static const uint64_t is_present = 1ull << 63, is_mapped_once = 1ull << 56, frame_bits = (1ull << 55) - 1;

int sharing_begin(struct sharing *it, pid_t pid, const struct tracked *parent, int is_live) {
  *it = (struct sharing){.own = open_proc(pid, "pagemap", O_RDONLY), .parent = parent, .parents = -1, .is_live = is_live};
  if (it->own < 0) return it->own;
  // The parent may have ended meanwhile. Nothing is shared then.
  if (parent) it->parents = open_proc(parent->pid, "pagemap", O_RDONLY);
  return 0;
}

void sharing_end(struct sharing *it) {
  if (it->own >= 0) close(it->own);
  if (it->parents >= 0) close(it->parents);
}

static int read_entries(int pagemap, uint64_t first, uint64_t *entries, uint32_t count) {
  size_t bytes = count * sizeof *entries;
  return pread(pagemap, entries, bytes, (off_t)(first * sizeof *entries)) == (ssize_t)bytes;
}

/**
 * How many pages from `first` on the parent has not written since it was sent. Looked at after the frames were compared: a frame that is
 * the same now may have been written, and inherited by a child, after the parent was sent.
 */
static uint32_t unwritten(const struct sharing *it, uint64_t first, uint32_t count) {
  return it->is_live ? (uint32_t)(track_unwritten(it->parent, it->parents, first, first + count) - first) : count;
}

static enum page_kind kind_of(const struct sharing *it, uint64_t page, uint64_t own, uint64_t parents) {
  int is_same = own & is_present && parents & is_present && own & frame_bits && (own & frame_bits) == (parents & frame_bits);
  if (is_same && copy_first(&it->parent->copy, page, page + 1, 1) == page) return SAME_AS_PARENT;
  return own & is_present && !(own & is_mapped_once) ? MAPPED_OFTEN : MAPPED_ONCE;
}

uint32_t sharing_run(const struct sharing *it, uint64_t first, uint32_t count, enum page_kind *kind) {
  uint64_t own[MOST] = {0}, parents[MOST] = {0};
  if (count > MOST) count = MOST;
  if (!read_entries(it->own, first, own, count)) own[0] = 0;
  if (it->parents < 0 || !read_entries(it->parents, first, parents, count)) parents[0] = 0;
  *kind = kind_of(it, first, own[0], parents[0]);
  uint32_t run = 1;
  while (run < count && kind_of(it, first + run, own[run], parents[run]) == *kind) run++;
  if (*kind != SAME_AS_PARENT) return run;
  uint32_t safe = unwritten(it, first, run);
  if (safe > 0) return safe;
  *kind = MAPPED_OFTEN;
  return 1;
}
