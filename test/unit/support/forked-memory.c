/*
 * A parent with 16 MiB, three children and a grandchild, which all write pages of it, for ever. Prints its own id and theirs, a line each:
 * "PID of PARENT". On a line of its input it writes 64 pages and forks another child, which writes nothing, and prints it as the others.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 4096 };

static char *memory;
static uint64_t state;

static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void tell(void) { printf("%d of %d\n", getpid(), getppid()); }

static void change(void) {
  char *page = memory + next() % PAGES * PAGE;
  if (next() % 16) memset(page, (int)next(), PAGE);
  else madvise(page, PAGE, MADV_DONTNEED);
}

/** A page in 64 for each millisecond that it lives: most stay shared. */
static void live(void) {
  for (int i = 0;; i++) {
    if (i < 512) change();
    else memory[next() % 64 * PAGE] = (char)i;
    usleep(1000);
  }
}

static void bear(void (*then)(void)) {
  uint64_t seed = next();
  if (fork()) return;
  prctl(PR_SET_PDEATHSIG, 9);
  state = seed;
  tell();
  then();
}

static void have_child(void) {
  bear(live);
  live();
}

static void stay(void) {
  for (;;) pause();
}

int main(void) {
  char line[8];
  state = 88172645463325252ull;
  setvbuf(stdout, NULL, _IOLBF, 0);
  memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t page = 0; page < PAGES; page++) memset(memory + page * PAGE, (int)(page % 255) + 1, PAGE);
  tell();
  bear(live);
  bear(live);
  bear(have_child);
  struct pollfd input = {STDIN_FILENO, POLLIN, 0};
  for (;; usleep(1000)) {
    memory[next() % 64 * PAGE] += 1;
    if (poll(&input, 1, 0) <= 0) continue;
    if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
    for (int i = 0; i < 64; i++) memset(memory + (1000 + i) * PAGE, 'n', PAGE);
    bear(stay);
  }
}
