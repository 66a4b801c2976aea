/*
 * usage: changing-family PROCESSES REGIONS PAGES SEED [WORDS...]
 * A family of up to PROCESSES, each with up to REGIONS private mappings of up to PAGES pages, that changes its memory in every way that
 * leaves a page's contents defined: writes, new and removed mappings, moved, grown and cut ones, discarded and protected pages, advice
 * for forks, locks, huge pages, children that are born and end. Each process knows what each of its pages must hold, and checks them in
 * turn. Words: "lock" has the first process lock all of its memory, "quiet" has everyone only write, fork and check.
 * Prints "round N" for every 2000 changes of the first process, "FAILED" for a system call that fails, and "CORRUPT" with what a page
 * holds instead of what.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, MOST_REGIONS = 64 };

/* What a page holds: contents that follow from a number, 0 for zeros; and since when, and why. */
struct page {
  uint64_t number;
  double since;
  const char *why;
  uint64_t before;
};

struct region {
  uint64_t *at;
  size_t pages;
  bool read_only, wiped, left_out, locked;
  struct page *holds;
  const char *last;
};

struct family {
  atomic_int alive;
  atomic_ulong corrupt, failed;
};

static struct family *family;
static struct region regions[MOST_REGIONS];
static unsigned region_count, depth;
static size_t most_pages;
static bool locks, locks_all;
static uint64_t state;

static uint64_t any(uint64_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % below;
}

static uint64_t word(uint64_t number, size_t at) {
  if (number == 0) return 0;
  uint64_t x = number * 0x9e3779b97f4a7c15ull + at;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  return (x ^ x >> 27) | 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void write_page(struct region *region, size_t page) {
  if (region->read_only) return;
  uint64_t number = any(UINT64_MAX - 1) + 1;
  region->holds[page] = (struct page){number, now(), "written", region->holds[page].number};
  uint64_t *words = region->at + page * WORDS;
  for (size_t i = 0; i < WORDS; i++) words[i] = word(number, i);
}

/* Says where contents that are not expected come from, as far as this process knows. */
static void find_origin(const struct region *region, size_t page, size_t at, uint64_t has) {
  if (has && word(region->holds[page].before, at) == has) printf("  that is what the page held before\n");
  for (unsigned r = 0; has && r < region_count; r++)
    for (size_t i = 0; regions[r].at && i < regions[r].pages; i++)
      if (word(regions[r].holds[i].number, at) == has || word(regions[r].holds[i].before, at) == has)
        printf("  that is of region %u page %zu, %s since %.3f\n", r, i, regions[r].holds[i].why, regions[r].holds[i].since);
}

static void check_page(struct region *region, size_t page) {
  const volatile uint64_t *words = region->at + page * WORDS;
  uint64_t number = region->holds[page].number;
  for (size_t i = 0; i < WORDS; i++) {
    uint64_t has = words[i];
    if (has == word(number, i)) continue;
    if (atomic_fetch_add(&family->corrupt, 1) < 200)
      printf("CORRUPT %.3f process %d depth %u region %ld page %zu of %zu at %p: word %zu is %lx instead of %lx, %s since %.3f; read-only %d wiped %d left out %d locked %d, last %s\n",
             now(), getpid(), depth, (long)(region - regions), page, region->pages, (void *)words, i, has, word(number, i), region->holds[page].why, region->holds[page].since,
             region->read_only, region->wiped, region->left_out, region->locked, region->last);
    find_origin(region, page, i, has);
    /* Once is enough. */
    region->holds[page] = (struct page){0, now(), "wrong", 0};
    if (region->read_only) mprotect(region->at, region->pages * PAGE, PROT_READ | PROT_WRITE);
    memset((void *)words, 0, PAGE);
    if (region->read_only) mprotect(region->at, region->pages * PAGE, PROT_READ);
    return;
  }
}

/* The mappings of a region, as the kernel has them. */
static void print_mappings(const struct region *region) {
  char line[256];
  FILE *smaps = fopen("/proc/self/smaps", "r");
  bool is_here = false;
  while (smaps && fgets(line, sizeof line, smaps)) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
      is_here = start < (unsigned long)region->at + region->pages * PAGE && end > (unsigned long)region->at;
    if (is_here && (strchr(line, '-') || strncmp(line, "VmFlags", 7) == 0 || strncmp(line, "Rss", 3) == 0)) fputs(line, stdout);
  }
  if (smaps) fclose(smaps);
}

static void zero_pages(struct region *region, size_t from, size_t end, const char *why) {
  for (size_t page = from; page < end; page++) region->holds[page] = (struct page){0, now(), why, region->holds[page].number};
}

static bool done(int failed, const char *what, struct region *region) {
  if (!failed) {
    region->last = what;
    return true;
  }
  if (atomic_fetch_add(&family->failed, 1) < 50) printf("FAILED %.3f process %d: %s: %s\n", now(), getpid(), what, strerror(errno));
  if (errno == EFAULT) print_mappings(region);
  return false;
}

static void begin_region(struct region *region) {
  size_t pages = 1 + any(most_pages);
  uint64_t *at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!done(at == MAP_FAILED, "mmap", region)) return;
  *region = (struct region){.at = at, .pages = pages,
                            .locked = locks_all, .holds = calloc(pages, sizeof(struct page)), .last = "mmap"};
  zero_pages(region, 0, pages, "new");
  for (size_t page = 0; page < pages; page++)
    if (any(8)) write_page(region, page);
  /* Not later: nothing tells userfaultfd of advice, so post-copy cannot follow it while memory is missing. */
  if (any(8) == 0) region->wiped = done(madvise(at, pages * PAGE, MADV_WIPEONFORK), "MADV_WIPEONFORK", region);
  if (any(8) == 0) region->left_out = done(madvise(at, pages * PAGE, MADV_DONTFORK), "MADV_DONTFORK", region);
}

static void end_region(struct region *region) {
  if (!done(munmap(region->at, region->pages * PAGE), "munmap", region)) return;
  free(region->holds);
  *region = (struct region){0};
}

/** Moves a region to another place, where nothing was. */
static void move_region(struct region *region) {
  size_t bytes = region->pages * PAGE;
  char *to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (to == MAP_FAILED) return;
  uint64_t *at = mremap(region->at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  if (done(at == MAP_FAILED, "mremap", region)) region->at = at;
  else munmap(to, bytes);
}

static void resize_region(struct region *region) {
  size_t pages = 1 + any(most_pages);
  uint64_t *at = mremap(region->at, region->pages * PAGE, pages * PAGE, MREMAP_MAYMOVE);
  if (!done(at == MAP_FAILED, "mremap of another size", region)) return;
  region->at = at;
  region->holds = realloc(region->holds, pages * sizeof(struct page));
  zero_pages(region, region->pages, pages, "grown");
  region->pages = pages;
}

static void discard(struct region *region) {
  if (region->locked) return;
  size_t from = any(region->pages), count = 1 + any(region->pages - from);
  if (!done(madvise(region->at + from * WORDS, count * PAGE, MADV_DONTNEED), "MADV_DONTNEED", region)) return;
  zero_pages(region, from, from + count, "discarded");
}

static void protect(struct region *region) {
  int to = region->read_only ? PROT_READ | PROT_WRITE : PROT_READ;
  if (done(mprotect(region->at, region->pages * PAGE, to), "mprotect", region)) region->read_only = !region->read_only;
}

static void lock_region(struct region *region) {
  size_t bytes = region->pages * PAGE;
  if (done(region->locked ? munlock(region->at, bytes) : mlock(region->at, bytes), "mlock", region)) region->locked = !region->locked;
}

static void live(unsigned long lifetime, int most, bool quiet);

static void bear(int most, bool quiet) {
  if (atomic_fetch_add(&family->alive, 1) >= most) {
    atomic_fetch_sub(&family->alive, 1);
    return;
  }
  unsigned long lifetime = 500 + any(8000);
  uint64_t seed = any(UINT64_MAX - 1) + 1;
  pid_t child = fork();
  if (child < 0) {
    atomic_fetch_sub(&family->alive, 1);
    printf("FAILED fork: %s\n", strerror(errno));
  }
  if (child) return;
  depth++;
  locks_all = false;
  state = seed;
  for (unsigned i = 0; i < region_count; i++) {
    struct region *region = &regions[i];
    region->locked = false;
    if (region->left_out) *region = (struct region){0};
    else if (region->wiped && region->at) zero_pages(region, 0, region->pages, "wiped");
    if (region->wiped) region->last = "wiped";
  }
  live(lifetime, most, quiet);
  atomic_fetch_sub(&family->alive, 1);
  _exit(0);
}

static void change(int most, bool quiet, bool fresh) {
  struct region *region = &regions[any(region_count)];
  if (!region->at) return begin_region(region);
  if (fresh) return;
  switch (any(quiet ? 4 : 18)) {
  case 0:
    if (any(8) == 0) bear(most, quiet);
    break;
  default:
    for (uint64_t n = any(8); n > 0; n--) write_page(region, any(region->pages));
    break;
  case 6:
    if (any(8) == 0) end_region(region);
    break;
  case 7:
  case 8: move_region(region); break;
  case 9: resize_region(region); break;
  case 10: discard(region); break;
  case 11:
  case 12: protect(region); break;
  case 13:
    if (locks && any(4) == 0) lock_region(region);
    break;
  case 14: done(madvise(region->at, region->pages * PAGE, any(2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE), "MADV_HUGEPAGE", region); break;
  }
}

static void live(unsigned long lifetime, int most, bool quiet) {
  for (unsigned long n = 1; lifetime == 0 || n < lifetime; n++) {
    change(most, quiet, false);
    for (unsigned i = 0; i < 20; i++) {
      struct region *region = &regions[any(region_count)];
      if (region->at) check_page(region, any(region->pages));
    }
    if (any(4) == 0) usleep(2000 + any(4000));
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (lifetime == 0 && n % 2000 == 0)
      printf("round %lu, %d processes, %lu wrong, %lu failed\n", n / 2000, family->alive, family->corrupt, family->failed);
  }
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  bool quiet = false;
  setvbuf(stdout, NULL, _IOLBF, 0);
  region_count = (unsigned)atoi(argv[2]);
  if (region_count < 1 || region_count > MOST_REGIONS) return 2;
  most_pages = strtoul(argv[3], NULL, 10);
  state = strtoul(argv[4], NULL, 10) + 1;
  family = mmap(NULL, sizeof *family, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (family == MAP_FAILED) return 1;
  family->alive = 1;
  for (int i = 5; i < argc; i++) {
    locks |= strcmp(argv[i], "lock") == 0;
    if (locks) locks_all = done(mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall", &regions[0]);
    quiet |= strcmp(argv[i], "quiet") == 0;
  }
  for (unsigned i = 0; i < region_count; i++) begin_region(&regions[i]);
  printf("ready\n");
  live(0, atoi(argv[1]), quiet);
}
