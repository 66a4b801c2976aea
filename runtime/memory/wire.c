#include "wire.h"
#include "hash.h"
#include "tracking/kernel.h"
#include "wire/blocks.h"

void wire_frame(enum word word, uint64_t task, uint64_t first, uint32_t count) {
  struct frame frame = turned((struct frame){.word = word, .count = count, .task = task, .first = first});
  blocks_write(&frame, sizeof frame);
}

void wire_same(uint64_t task, uint64_t first, uint32_t count, uint64_t as) {
  struct frame frame = turned((struct frame){.word = word_same, .count = count, .task = task, .first = first, .number = as});
  blocks_write(&frame, sizeof frame);
}

void wire_pages(uint64_t task, uint64_t first, const void *bytes, uint32_t count) {
  const char *pages = bytes;
  for (uint32_t at = 0, end; at < count; at = end) {
    int zero = is_zero_page(pages + (size_t)at * PAGE);
    for (end = at + 1; end < count && is_zero_page(pages + (size_t)end * PAGE) == zero;) end++;
    wire_frame(zero ? word_zeros : word_pages, task, first + at, end - at);
    if (!zero) blocks_write(pages + (size_t)at * PAGE, (size_t)(end - at) * PAGE);
  }
}
