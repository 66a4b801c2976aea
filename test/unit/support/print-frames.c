// Prints what the C programs make of the protocol of pages: its numbers, a line each, and a frame as it is on the wire.
#include <stdio.h>

#include "../../../runtime/frames/frames.h"
#include "../../../runtime/lazy-pages/pieces.h"

int main(void) {
  printf("page_bytes %d\nmost_pages %d\n", page_bytes, most_pages);
  printf("pages %d\nzeros %d\nwant %d\narrived %d\n", word_pages, word_zeros, word_want, word_arrived);
  printf("missing %d\ngo %d\ndone %d\nobject %d\nhashes %d\nsame %d\n", word_missing, word_go, word_done, word_object, word_hashes, word_same);
  struct frame frame = turned((struct frame){word_missing, 3, 0x0102030405, 0x1122334455, 0x0a0b0c0d0e});
  printf("frame ");
  for (size_t i = 0; i < sizeof frame; i++) printf("%02x", ((const unsigned char *)&frame)[i]);
  puts("");
}
