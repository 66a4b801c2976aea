#include "copy.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK_PAGES = 512, LEAST_ROOM = 256 };

static size_t place(uint64_t number, size_t room) {
  number *= 0x9e3779b97f4a7c15ull;
  return (number ^ number >> 29) & (room - 1);
}

static struct chunk **find(struct chunk **slots, size_t room, uint64_t number) {
  size_t at = place(number, room);
  while (slots[at] && slots[at]->number != number) at = (at + 1) & (room - 1);
  return &slots[at];
}

/** Without memory for its own notes, the program can promise nothing: it ends, and with it the tracking. */
static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

static void grow(struct copy *it) {
  size_t room = it->room ? it->room * 2 : LEAST_ROOM;
  struct chunk **slots = must(calloc(room, sizeof *slots));
  for (size_t i = 0; i < it->room; i++)
    if (it->slots[i]) *find(slots, room, it->slots[i]->number) = it->slots[i];
  free(it->slots);
  it->slots = slots;
  it->room = room;
}

static struct chunk *known_chunk(const struct copy *it, uint64_t number) { return it->room ? *find(it->slots, it->room, number) : NULL; }

static struct chunk *make_chunk(struct copy *it, uint64_t number) {
  if (it->used * 2 >= it->room) grow(it);
  struct chunk **slot = find(it->slots, it->room, number);
  if (*slot) return *slot;
  *slot = must(calloc(1, sizeof **slot));
  (*slot)->number = number;
  it->used++;
  return *slot;
}

static int is_set(const uint64_t *bits, unsigned at) { return bits[at / 64] >> at % 64 & 1; }
static void set(uint64_t *bits, unsigned at) { bits[at / 64] |= 1ull << at % 64; }

void copy_begin(struct copy *it) {
  for (size_t i = 0; i < it->room; i++)
    if (it->slots[i]) {
      memset(it->slots[i]->seen, 0, sizeof it->slots[i]->seen);
      memset(it->slots[i]->changed, 0, sizeof it->slots[i]->changed);
    }
}

void copy_see(struct copy *it, uint64_t first, uint64_t end, int is_written) {
  struct chunk *chunk = NULL;
  for (uint64_t page = first; page < end; page++) {
    unsigned at = page % CHUNK_PAGES;
    if (!chunk || at == 0) chunk = make_chunk(it, page / CHUNK_PAGES);
    set(chunk->seen, at);
    if (is_written || !is_set(chunk->had, at)) set(chunk->changed, at);
  }
}

void copy_see_at(struct copy *it, uint64_t page, uint32_t place, int is_written, int is_noted) {
  struct chunk *chunk = make_chunk(it, page / CHUNK_PAGES);
  unsigned at = page % CHUNK_PAGES;
  if (!chunk->places) chunk->places = must(calloc(CHUNK_PAGES, sizeof *chunk->places));
  int is_other = chunk->places[at] != place;
  if (is_noted) chunk->places[at] = place;
  set(chunk->seen, at);
  if (is_written || is_other || !is_set(chunk->had, at)) set(chunk->changed, at);
}

int copy_is_at(const struct copy *it, uint64_t page, uint32_t place) {
  const struct chunk *chunk = known_chunk(it, page / CHUNK_PAGES);
  return chunk && chunk->places && chunk->places[page % CHUNK_PAGES] == place;
}

void copy_forget(struct copy *it, uint64_t first, uint64_t end) {
  for (uint64_t page = first; page < end; page++) {
    struct chunk *chunk = known_chunk(it, page / CHUNK_PAGES);
    if (chunk) chunk->had[page % CHUNK_PAGES / 64] &= ~(1ull << page % 64);
  }
}

void copy_add(struct copy *it, uint64_t first, uint64_t end) {
  struct chunk *chunk = NULL;
  for (uint64_t page = first; page < end; page++) {
    unsigned at = page % CHUNK_PAGES;
    if (!chunk || at == 0) chunk = make_chunk(it, page / CHUNK_PAGES);
    set(chunk->had, at);
  }
}

uint64_t copy_first(const struct copy *it, uint64_t first, uint64_t end, int is_there) {
  const struct chunk *chunk = NULL;
  for (uint64_t page = first; page < end; page++) {
    unsigned at = page % CHUNK_PAGES;
    if (page == first || at == 0) chunk = known_chunk(it, page / CHUNK_PAGES);
    if ((chunk && is_set(chunk->had, at)) == is_there) return page;
  }
  return end;
}

uint64_t copy_count(const struct copy *it) {
  uint64_t count = 0;
  for (size_t i = 0; i < it->room; i++)
    for (unsigned word = 0; it->slots[i] && word < 8; word++) count += __builtin_popcountll(it->slots[i]->changed[word]);
  return count;
}

static int by_number(const void *one, const void *other) {
  uint64_t a = (*(struct chunk *const *)one)->number, b = (*(struct chunk *const *)other)->number;
  return (a > b) - (a < b);
}

static int is_gone(const struct chunk *chunk, unsigned at) { return is_set(chunk->had, at) && !is_set(chunk->seen, at); }

static int give_runs(struct chunk *chunk, give_run *give, void *to) {
  int stopped = 0;
  struct chunk before = *chunk;
  // Before the runs are given: `copy_forget` may take some of it back.
  for (unsigned word = 0; word < 8; word++) chunk->had[word] = (chunk->had[word] & chunk->seen[word]) | chunk->changed[word];
  for (unsigned at = 0; at < CHUNK_PAGES && !stopped;) {
    int is_sent = is_set(before.changed, at), gone = is_gone(&before, at);
    unsigned from = at++;
    if (!is_sent && !gone) continue;
    while (at < CHUNK_PAGES && is_set(before.changed, at) == is_sent && is_gone(&before, at) == gone) at++;
    struct run run = {before.number * CHUNK_PAGES + from, at - from, is_sent};
    stopped = give(&run, to);
  }
  return stopped;
}

/** All chunks in the order of their numbers; `it->used` of them. Must be freed. */
static struct chunk **sorted_chunks(const struct copy *it) {
  struct chunk **sorted = must(malloc((it->used + 1) * sizeof *sorted));
  size_t count = 0;
  for (size_t i = 0; i < it->room; i++)
    if (it->slots[i]) sorted[count++] = it->slots[i];
  qsort(sorted, count, sizeof *sorted, by_number);
  return sorted;
}

int copy_end(struct copy *it, give_run *give, void *to) {
  struct chunk **sorted = sorted_chunks(it);
  int stopped = 0;
  for (size_t i = 0; i < it->used && !stopped; i++) stopped = give_runs(sorted[i], give, to);
  free(sorted);
  return stopped;
}

int copy_had(const struct copy *it, give_run *give, void *to) {
  struct chunk **sorted = sorted_chunks(it);
  int stopped = 0;
  for (size_t i = 0; i < it->used && !stopped; i++)
    for (unsigned at = 0; at < CHUNK_PAGES && !stopped;) {
      unsigned from = at++;
      if (!is_set(sorted[i]->had, from)) continue;
      while (at < CHUNK_PAGES && is_set(sorted[i]->had, at)) at++;
      stopped = give(&(struct run){sorted[i]->number * CHUNK_PAGES + from, at - from, 1}, to);
    }
  free(sorted);
  return stopped;
}

void copy_free(struct copy *it) {
  for (size_t i = 0; i < it->room; i++) {
    if (it->slots[i]) free(it->slots[i]->places);
    free(it->slots[i]);
  }
  free(it->slots);
  *it = (struct copy){0};
}
