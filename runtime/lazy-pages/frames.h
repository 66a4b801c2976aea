// What the two ends of a post-copy say to each other. src/memory/pages/frames.ts says what each word means; the test beside it
// compares the two files.
#pragma once
#include <endian.h>
#include <stdint.h>

enum word { word_pages, word_zeros, word_want, word_arrived, word_missing, word_go, word_done };

// Big-endian on the wire; after `word_pages` so many pages follow.
struct frame {
  uint32_t word;
  uint32_t count;
  uint64_t task;
  uint64_t first;
  uint64_t number;
};

enum { most_pages = 1024 };

static inline struct frame turned(struct frame frame) {
  return (struct frame){htobe32(frame.word), htobe32(frame.count), htobe64(frame.task), htobe64(frame.first),
                        htobe64(frame.number)};
}
