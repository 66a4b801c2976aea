/*
 * usage: prefork MEBIBYTES WORKERS
 * A parent fills MEBIBYTES with incompressible bytes, a part of it in its heap, and forks WORKERS. Each of them writes one page in 64
 * of its own, and then checks all of its memory, for ever, as the parent does. Prints "ready", "pass N" after each check of the parent,
 * or "CORRUPT" and what is wrong. A process that finds an error ends all.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, OWN = 64 };

static uint64_t *parts[2];
static size_t pages[2];
static unsigned self;

static uint64_t word(unsigned part, size_t page, size_t at, unsigned owner) {
  uint64_t x = ((uint64_t)part << 56 ^ (uint64_t)page << 16 ^ at) + owner * 0x9e3779b97f4a7c15ull;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

/** A worker has written a page in OWN. */
static unsigned owner_of(size_t page) { return self && page % OWN == self ? self : 0; }

static void write_page(unsigned part, size_t page) {
  for (size_t i = 0; i < PAGE / 8; i++) parts[part][page * PAGE / 8 + i] = word(part, page, i, owner_of(page));
}

static void check(void) {
  for (unsigned part = 0; part < 2; part++)
    for (size_t page = 0; page < pages[part]; page++)
      for (size_t i = 0; i < PAGE / 8; i++) {
        if (parts[part][page * PAGE / 8 + i] == word(part, page, i, owner_of(page))) continue;
        printf("CORRUPT part %u page %zu of process %u\n", part, page, self);
        kill(0, SIGKILL);
      }
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  size_t bytes = strtoull(argv[1], NULL, 10) << 20;
  unsigned workers = (unsigned)atoi(argv[2]);
  setvbuf(stdout, NULL, _IOLBF, 0);
  pages[0] = bytes / 4 * 3 / PAGE;
  pages[1] = bytes / 4 / PAGE;
  parts[0] = mmap(NULL, pages[0] * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // The heap: aligned, so that its pages are those of the check.
  parts[1] = sbrk((intptr_t)(pages[1] + 1) * PAGE);
  parts[1] = (uint64_t *)(((uintptr_t)parts[1] + PAGE - 1) / PAGE * PAGE);
  for (unsigned part = 0; part < 2; part++)
    for (size_t page = 0; page < pages[part]; page++) write_page(part, page);
  for (unsigned worker = 1; worker <= workers; worker++) {
    if (fork()) continue;
    self = worker;
    for (unsigned part = 0; part < 2; part++)
      for (size_t page = worker; page < pages[part]; page += OWN) write_page(part, page);
    for (;; usleep(1000000)) check();
  }
  // The heap of the parent grows after the fork, so that it ends elsewhere than those of the workers.
  memset(sbrk(1 << 20), 1, 1 << 20);
  // The kernel places this below the first part, and makes one mapping of both.
  memset(mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 20);
  printf("ready\n");
  for (unsigned long pass = 0;; pass++) {
    check();
    printf("pass %lu\n", pass);
    usleep(1000000);
  }
}
