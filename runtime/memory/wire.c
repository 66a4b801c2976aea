#define _GNU_SOURCE
#include "wire.h"
#include "hash.h"
#include "tracking/kernel.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int wire_fd = -1;

static char gathered[1 << 18];
static size_t gathered_bytes;

static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(wire_fd, bytes, count);
    if (written < 0 && errno != EINTR) exit(EPIPE);
    if (written <= 0) continue;
    bytes += written;
    count -= (size_t)written;
  }
}

void wire_flush(void) {
  write_all(gathered, gathered_bytes);
  gathered_bytes = 0;
}

void wire_bytes(const void *bytes, size_t count) {
  if (gathered_bytes + count > sizeof gathered) wire_flush();
  if (count > sizeof gathered) {
    write_all(bytes, count);
    return;
  }
  memcpy(gathered + gathered_bytes, bytes, count);
  gathered_bytes += count;
}

void wire_frame(enum word word, uint64_t task, uint64_t first, uint32_t count) {
  struct frame frame = turned((struct frame){.word = word, .count = count, .task = task, .first = first});
  wire_bytes(&frame, sizeof frame);
}

void wire_same(uint64_t task, uint64_t first, uint32_t count, uint64_t as) {
  struct frame frame = turned((struct frame){.word = word_same, .count = count, .task = task, .first = first, .number = as});
  wire_bytes(&frame, sizeof frame);
}

void wire_pages(uint64_t task, uint64_t first, const void *bytes, uint32_t count) {
  const char *pages = bytes;
  for (uint32_t at = 0, end; at < count; at = end) {
    int zero = is_zero_page(pages + (size_t)at * PAGE);
    for (end = at + 1; end < count && is_zero_page(pages + (size_t)end * PAGE) == zero;) end++;
    wire_frame(zero ? word_zeros : word_pages, task, first + at, end - at);
    if (!zero) wire_bytes(pages + (size_t)at * PAGE, (size_t)(end - at) * PAGE);
  }
}
