#include "pieces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void copy_pieces(struct space *space, const struct piece *pieces, size_t count, bool fresh) {
  uint64_t pages = 0;
  for (size_t i = 0; i < count; i++) pages += pieces[i].count;
  space->states = malloc(pages + 1);
  space->room = space->count = count;
  space->pieces = malloc((count + 1) * sizeof *pieces);
  if (!space->states || !space->pieces) fail("memory");
  uint8_t *states = space->states;
  for (size_t i = 0; i < count; i++) {
    struct piece *piece = &space->pieces[i];
    *piece = pieces[i];
    if (fresh) memset(states, missing, piece->count);
    else memcpy(states, pieces[i].states, piece->count);
    if (fresh) piece->left = piece->count;
    piece->states = states;
    states += piece->count;
    space->left += piece->left;
  }
}

struct piece *piece_from(struct piece *pieces, size_t count, uint64_t page) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (pieces[middle].first + pieces[middle].count <= page) low = middle + 1;
    else high = middle;
  }
  return low < count ? &pieces[low] : NULL;
}

struct piece *piece_now(const struct space *space, uint64_t page) {
  if (!space->shifted) {
    struct piece *piece = piece_from(space->pieces, space->count, page);
    return piece && piece->first <= page && piece->states[page - piece->first] != there ? piece : NULL;
  }
  for (size_t i = 0; i < space->count; i++) {
    struct piece *piece = &space->pieces[i];
    uint64_t now = piece->first + piece->moved;
    if (piece->left == 0 || piece->departs || page < now || page >= now + piece->count) continue;
    // The program may have unmapped a page of this piece and moved a page of another piece to its place.
    if (piece->states[page - now] != there) return piece;
  }
  return NULL;
}

void settle(struct space *space, struct piece *piece, uint64_t from, uint64_t count) {
  for (uint64_t i = from; i < from + count; i++) {
    if (piece->states[i] == there) continue;
    piece->states[i] = there;
    piece->left--;
    space->left--;
  }
}

void withhold(struct space *space, const struct range *range) {
  uint64_t end = range->first + range->count;
  for (struct piece *piece = piece_from(space->pieces, space->count, range->first);
       piece && piece < space->pieces + space->count && piece->first < end; piece++) {
    uint64_t from = piece->first < range->first ? range->first - piece->first : 0;
    uint64_t to = piece->first + piece->count > end ? end - piece->first : piece->count;
    settle(space, piece, from, to - from);
  }
}

// Whether a page is missing among those that are now from `first` up to `end`, of pieces that depart or of others.
static bool has_missing(const struct space *space, uint64_t first, uint64_t end, bool departs) {
  for (size_t i = 0; i < space->count; i++) {
    const struct piece *piece = &space->pieces[i];
    uint64_t now = piece->first + piece->moved, from = now < first ? first - now : 0;
    if (piece->left == 0 || piece->departs != departs || now >= end || now + piece->count <= first) continue;
    for (; from < piece->count && now + from < end; from++)
      if (piece->states[from] != there) return true;
  }
  return false;
}

bool misses(const struct space *space, uint64_t first, uint64_t end) {
  return has_missing(space, first, end, false) || has_missing(space, first, end, true);
}

static void forget_those(struct space *space, uint64_t first, uint64_t end, bool departs) {
  for (size_t i = 0; i < space->count; i++) {
    struct piece *piece = &space->pieces[i];
    uint64_t now = piece->first + piece->moved;
    if (piece->departs != departs || piece->left == 0 || now >= end || now + piece->count <= first) continue;
    uint64_t from = now < first ? first - now : 0;
    uint64_t to = now + piece->count > end ? end - now : piece->count;
    settle(space, piece, from, to - from);
  }
}

void forget(struct space *space, uint64_t first, uint64_t end) { forget_those(space, first, end, false); }

// Cuts a piece in two. The second one begins with page `at` of the piece.
static void cut(struct space *space, size_t index, uint64_t at) {
  space->pieces = more(space->pieces, &space->room, space->count, sizeof *space->pieces);
  struct piece *piece = &space->pieces[index];
  memmove(piece + 1, piece, (space->count - index) * sizeof *piece);
  space->count++;
  struct piece *rest = piece + 1;
  rest->first += at;
  rest->count -= at;
  rest->states += at;
  rest->offset += at * page_bytes;
  rest->left = 0;
  for (uint64_t i = 0; i < rest->count; i++) rest->left += rest->states[i] != there;
  piece->count = at;
  piece->left -= rest->left;
}

// Cuts pieces so that those in this range lie in it as a whole, and changes each of them that departs, or does not. `by` is how far it
// moves; 0: it departs.
static void change_pieces(struct space *space, uint64_t first, uint64_t count, bool departs, int64_t by) {
  for (size_t i = 0; i < space->count; i++) {
    struct piece *piece = &space->pieces[i];
    uint64_t now = piece->first + piece->moved;
    if (piece->departs != departs || piece->left == 0 || now >= first + count || now + piece->count <= first) continue;
    if (now < first) {
      cut(space, i, first - now);
      continue;
    }
    if (now + piece->count > first + count) cut(space, i, first + count - now);
    piece = &space->pieces[i];
    piece->moved += by;
    piece->departs = by == 0;
    space->shifted = true;
  }
}

void move(struct space *space, struct remap remap) {
  // The kernel has told what was unmapped there. More is there only if another thread has moved that away, and its event comes later.
  if (has_missing(space, remap.to, remap.to + remap.count, false)) change_pieces(space, remap.to, remap.count, false, 0);
  bool departs = has_missing(space, remap.first, remap.first + remap.count, true);
  change_pieces(space, remap.first, remap.count, departs, (int64_t)remap.to - (int64_t)remap.first);
  space->remaps = more(space->remaps, &space->remap_room, space->remap_count, sizeof remap);
  space->remaps[space->remap_count++] = remap;
}

void unmap(struct space *space, uint64_t first, uint64_t end) {
  for (size_t i = 0; i < space->remap_count; i++) {
    if (first != space->remaps[i].first || end - first != space->remaps[i].count) continue;
    space->remaps[i] = space->remaps[--space->remap_count];
    return;
  }
  forget_those(space, first, end, has_missing(space, first, end, true));
}

void settle_remaps(struct space *space) { space->remap_count = 0; }

void *more(void *list, size_t *room, size_t count, size_t bytes) {
  if (count < *room) return list;
  *room = *room ? *room * 2 : 16;
  list = realloc(list, *room * bytes);
  if (!list) fail("memory");
  return list;
}

void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}
