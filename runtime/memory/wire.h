// Frames of memory (runtime/frames/frames.h) to one descriptor. What cannot be written ends the program: nobody reads any more.
#pragma once
#include "../frames/frames.h"
#include <stddef.h>

// Where everything goes.
extern int wire_fd;

void wire_frame(enum word word, uint64_t task, uint64_t first, uint32_t count);

// Pages of `task` are those of the task `as`, at the same addresses.
void wire_same(uint64_t task, uint64_t first, uint32_t count, uint64_t as);

// What belongs to the frame before.
void wire_bytes(const void *bytes, size_t count);

// Sends pages that lie side by side, at most most_pages, as `word_pages` and, where they hold nothing, as `word_zeros`.
void wire_pages(uint64_t task, uint64_t first, const void *bytes, uint32_t count);

// Small frames are gathered. Writes those that still wait.
void wire_flush(void);
