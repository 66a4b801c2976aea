// The frames in which memory goes from host to host. src/memory/pages/frames.ts describes them. test/unit/page-frames.test.ts compares
// the two files.
#pragma once
#include <endian.h>
#include <stdint.h>

enum word { word_pages, word_zeros, word_want, word_arrived, word_missing, word_go, word_done, word_object, word_hashes, word_same };

// Big-endian on the wire. After a frame of `word_pages` follow the contents of `count` pages, after `word_object` a
// name of `count` bytes, after `word_hashes` a hash of 8 bytes for each of `count` pages, in the byte order of the hosts.
struct frame {
  uint32_t word;
  uint32_t count;
  uint64_t task;
  uint64_t first;
  uint64_t number;
};

// The most pages in one frame.
enum { most_pages = 1024 };

// Memory that belongs to no process, such as a memfd, is a task too: this plus the number of its inode.
static const uint64_t shared_objects = 1ull << 40;

static inline struct frame turned(struct frame frame) {
  return (struct frame){htobe32(frame.word), htobe32(frame.count), htobe64(frame.task), htobe64(frame.first),
                        htobe64(frame.number)};
}
