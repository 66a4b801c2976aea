/*
 * usage: huge MEBIBYTES
 * Has so much memory in transparent huge pages, and checks all of it, for ever. Prints "ready", "pass N" after each check, or "CORRUPT".
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE = 2 << 20 };

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  size_t bytes = strtoull(argv[1], NULL, 10) << 20, words = bytes / sizeof(uint64_t);
  setvbuf(stdout, NULL, _IOLBF, 0);
  char *mapped = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint64_t *memory = (uint64_t *)(((uintptr_t)mapped + HUGE - 1) / HUGE * HUGE);
  if (madvise(memory, bytes, MADV_HUGEPAGE)) return 1;
  for (size_t i = 0; i < words; i++) memory[i] = i * 0x9e3779b97f4a7c15ull;
  printf("ready\n");
  for (unsigned long pass = 0;; pass++) {
    for (size_t i = 0; i < words; i++)
      if (memory[i] != i * 0x9e3779b97f4a7c15ull) {
        printf("CORRUPT %zu\n", i);
        return 1;
      }
    printf("pass %lu\n", pass);
    usleep(500000);
  }
}
