// memcheck MIB: fills memory with a pattern that follows from the place of each 8-byte word, then checks pages for ever.
// Prints "gap MS" for every pause over 50 ms, "CORRUPT PAGE" for a page that holds anything else, and "pass N" after every check of
// the whole memory. Each pass rewrites one page in sixteen.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { words = 512 };

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static uint64_t expected(size_t page, size_t word, uint64_t version) {
  uint64_t x = (page * words + word + 1) * 0x9e3779b97f4a7c15ull + version;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  return x ^ (x >> 27);
}

static void fill(uint64_t *memory, size_t page, uint64_t version) {
  for (size_t word = 0; word < words; word++) memory[page * words + word] = expected(page, word, version);
}

int main(int argc, char **argv) {
  size_t pages = (argc > 1 ? strtoul(argv[1], NULL, 10) : 16) * 256;
  uint64_t *memory = malloc(pages * words * sizeof *memory);
  uint32_t *version = calloc(pages, sizeof *version);
  if (!memory || !version) return 1;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t page = 0; page < pages; page++) fill(memory, page, 0);
  double last = seconds();
  for (unsigned pass = 1;; pass++) {
    for (size_t page = 0; page < pages; page++) {
      if (page % 256 == 0) {
        usleep(1000);
        double now = seconds();
        if (now - last > 0.05) printf("gap %.0f\n", (now - last) * 1000);
        last = now;
      }
      for (size_t word = 0; word < words; word += 8) {
        if (memory[page * words + word] == expected(page, word, version[page])) continue;
        printf("CORRUPT %zu\n", page);
        break;
      }
      if ((page + pass) % 16 == 0) fill(memory, page, ++version[page]);
    }
    printf("pass %u\n", pass);
  }
}
