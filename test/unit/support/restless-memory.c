/*
 * restless-memory SEED FILE: changes its memory in every way that it can, as fast as it can: writes, new and removed mappings, moved and
 * resized ones, discarded and protected pages, the heap, the stack, a file that is mapped privately, threads, children. Prints "ready"
 * once it has begun. It fills FILE first.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SPOTS = 24, MOST_PAGES = 600, KINDS = 12 };

struct spot {
  char *at;
  size_t pages;
};

static uint64_t random_of(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void *map(size_t pages, int file) {
  void *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
  return at == MAP_FAILED ? NULL : at;
}

static int deep(int depth, uint64_t value) {
  volatile char here[3000];
  memset((char *)here, value, sizeof here);
  return depth ? deep(depth - 1, value + 1) + here[7] : here[9];
}

/** Writes some pages, as far as they may be written. */
static void write_some(struct spot *spot, uint64_t *state) {
  for (uint64_t left = random_of(state) % 40; left > 0; left--) {
    uint64_t page = random_of(state) % spot->pages;
    memset(spot->at + page * PAGE + random_of(state) % PAGE / 2, random_of(state), 1 + random_of(state) % 64);
  }
}

static void change(struct spot *spot, uint64_t *state, int file) {
  if (!spot->at) {
    spot->pages = 1 + random_of(state) % MOST_PAGES;
    spot->at = map(spot->pages, random_of(state) % 4 ? -1 : file);
    return;
  }
  size_t from = random_of(state) % spot->pages, count = 1 + random_of(state) % (spot->pages - from);
  char *part = spot->at + from * PAGE;
  switch (random_of(state) % KINDS) {
  case 0:
    munmap(spot->at, spot->pages * PAGE);
    spot->at = NULL;
    return;
  case 1: {
    size_t pages = 1 + random_of(state) % MOST_PAGES;
    void *moved = mremap(spot->at, spot->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
    // While it is tracked, a mapping that was joined with a newer one cannot be moved: EFAULT.
    if (moved != MAP_FAILED) spot->at = moved, spot->pages = pages;
    return;
  }
  case 2:
    madvise(part, count * PAGE, MADV_DONTNEED);
    return;
  case 3:
    madvise(part, count * PAGE, MADV_FREE);
    return;
  case 4:
    mprotect(part, count * PAGE, PROT_READ);
    mprotect(part, count * PAGE, PROT_READ | PROT_WRITE);
    return;
  case 5:
    // New memory in the place of a part of the old.
    mmap(part, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    return;
  case 6: {
    pid_t child = fork();
    if (child == 0) {
      write_some(spot, state);
      _exit(0);
    }
    write_some(spot, state);
    waitpid(child, NULL, 0);
    return;
  }
  case 7: {
    // Reads only: pages of zeros, or of the file.
    volatile char sum = 0;
    for (size_t page = 0; page < count; page++) sum += part[page * PAGE];
    return;
  }
  default:
    write_some(spot, state);
  }
}

static int file;

static void *restless(void *given) {
  uint64_t state = 0x9e3779b97f4a7c15ull * (1 + (uintptr_t)given);
  struct spot spots[SPOTS] = {0};
  for (;;) {
    change(&spots[random_of(&state) % SPOTS], &state, file);
    if (random_of(&state) % 50 == 0) deep(random_of(&state) % 40, state);
    if (random_of(&state) % 50 == 0) free(memset(malloc(random_of(&state) % 300000 + 1), state, 1));
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  uintptr_t seed = atoi(argv[1]);
  pthread_t thread;
  file = open(argv[2], O_RDWR | O_CREAT, 0600);
  for (int page = 0; page < MOST_PAGES; page++) {
    char text[PAGE];
    memset(text, 'a' + page % 26, sizeof text);
    if (pwrite(file, text, sizeof text, (off_t)page * PAGE) != PAGE) return 1;
  }
  // Pages that stay, of which some are written in each moment.
  char *steady = map(4000, -1);
  for (size_t page = 0; page < 4000; page++) memset(steady + page * PAGE, page % 250 + 1, PAGE);
  pthread_create(&thread, NULL, restless, (void *)(seed * 2));
  pthread_create(&thread, NULL, restless, (void *)(seed * 2 + 1));
  puts("ready");
  fflush(stdout);
  for (uint64_t state = seed + 77;;) {
    memset(steady + random_of(&state) % 4000 * PAGE, state, 100);
    if (state % 64 == 0) usleep(500);
  }
}
