// Puts pages into memories while their programs change them.
#pragma once
#include "memory.h"

// Puts pages into a memory, except those that are there already. Numbers are those of the dump. Without bytes the pages hold zeros.
void fill(size_t space, uint64_t first, uint64_t count, const char *bytes);
// Puts zeros into a page that was not dumped: a page that was never written reads as zeros. `page` is its present number.
void zero(size_t space, uint64_t page);
