// Frames of memory (runtime/frames/frames.h) to the other half of godwit-memory (wire/blocks.h).
#pragma once
#include "../frames/frames.h"
#include <stddef.h>

void wire_frame(enum word word, uint64_t task, uint64_t first, uint32_t count);

// Pages of `task` are those of the task `as`, at the same addresses.
void wire_same(uint64_t task, uint64_t first, uint32_t count, uint64_t as);

// Sends pages that lie side by side, at most most_pages, as `word_pages` and, where they hold nothing, as `word_zeros`.
void wire_pages(uint64_t task, uint64_t first, const void *bytes, uint32_t count);
