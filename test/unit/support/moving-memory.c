/*
 * moving-memory: exchanges blocks of memory by mremap without ever writing to them. Each block has the size and the place of whole page
 * tables, which the kernel moves as they are. It reads memory that it has discarded, too. Prints "ready" once it has begun.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK = 2 << 20, BLOCKS = 4, PAGE = 4096 };

static char *place_for(size_t bytes) {
  char *at = mmap(NULL, bytes + BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return (char *)(((uintptr_t)at + BLOCK - 1) & ~(uintptr_t)(BLOCK - 1));
}

int main(void) {
  // Every second block stays empty, so that none of them is joined with another.
  char *blocks = place_for((2 * BLOCKS + 2) * BLOCK), *spare = blocks + 2 * BLOCKS * BLOCK;
  for (int i = 0; i < BLOCKS; i++) {
    char *block = mmap(blocks + 2 * i * BLOCK, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    madvise(block, BLOCK, MADV_NOHUGEPAGE);
    for (int page = 0; page < BLOCK / PAGE; page++) memset(block + page * PAGE, 1 + i * 50 + page % 50, PAGE);
  }
  char *read_only = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(read_only, 'r', BLOCK);
  for (unsigned at = 0;; at++) {
    char *one = blocks + 2 * (at % BLOCKS) * BLOCK, *other = blocks + 2 * ((at + 1) % BLOCKS) * BLOCK;
    mremap(one, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, spare);
    mremap(other, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, one);
    mremap(spare, BLOCK, BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, other);
    volatile char *discarded = read_only + at % (BLOCK / PAGE) * PAGE;
    madvise((void *)discarded, PAGE, MADV_DONTNEED);
    (void)*discarded;
    if (at == 0) puts("ready"), fflush(stdout);
    usleep(3000);
  }
}
