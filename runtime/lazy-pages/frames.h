// The frames between the two ends of a post-copy. src/memory/pages/frames.ts describes them. test/unit/page-frames.test.ts compares
// the two files.
#pragma once
#include <endian.h>
#include <stdint.h>

enum word { word_pages, word_zeros, word_want, word_arrived, word_missing, word_go, word_done };

// Big-endian on the wire. After a frame of `word_pages` follow the contents of `count` pages.
struct frame {
  uint32_t word;
  uint32_t count;
  uint64_t task;
  uint64_t first;
  uint64_t number;
};

// The most pages in one frame.
enum { most_pages = 1024 };

static inline struct frame turned(struct frame frame) {
  return (struct frame){htobe32(frame.word), htobe32(frame.count), htobe64(frame.task), htobe64(frame.first),
                        htobe64(frame.number)};
}
