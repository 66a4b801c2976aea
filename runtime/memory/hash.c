#include "hash.h"
#include "tracking/kernel.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

int is_zero_page(const void *page) {
  const uint64_t *words = page;
  // The first word decides for most pages. Where it is 0, all words are if each equals the one after it.
  return words[0] == 0 && memcmp(words, words + 1, PAGE - sizeof *words) == 0;
}

uint64_t page_hash(const void *page) { return is_zero_page(page) ? 0 : XXH3_64bits(page, PAGE) | 1; }
