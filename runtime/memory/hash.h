// What tells whether the contents of a page have changed.
#pragma once
#include <stdint.h>

// 64 bits of XXH3 over a page; 0 for a page that holds zeros, and never 0 for another one.
uint64_t page_hash(const void *page);

int is_zero_page(const void *page);
