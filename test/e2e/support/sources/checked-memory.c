// checked-memory MIB [KIB_PER_S [CHILDREN [HOT_MIB]]]: processes that know what their memory must hold, and check it for ever. Each
// process fills MIB and rewrites KIB_PER_S, of all or of the first HOT_MIB. All of them share one more MiB. With CHILDREN, every 500 ticks the first process starts a child
// that runs for half a second, gives memory back and takes new memory. Prints "CORRUPT WHO PAGE", "tick N" every 200 ticks of a
// millisecond or more, and "gap MS" for a pause that is longer than all pauses since "ready".
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { words = 512, page_bytes = 4096, mib_pages = 256, looks_a_tick = 16 };

typedef struct {
  uint64_t *memory;
  uint32_t *version;
  size_t pages, next, hot;
  uint64_t seed;
} Region;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  return x ^ (x >> 27);
}

static uint64_t expected(Region *region, size_t page, size_t word) {
  return mix((page * words + word + 1) * 0x9e3779b97f4a7c15ull + region->version[page] + region->seed);
}

static void fill(Region *region, size_t page) {
  for (size_t word = 0; word < words; word++) region->memory[page * words + word] = expected(region, page, word);
}

static Region region(void *memory, size_t pages, uint64_t seed) {
  Region made = {memory, calloc(pages, sizeof(uint32_t)), pages, 0, pages, seed};
  for (size_t page = 0; page < pages; page++) fill(&made, page);
  return made;
}

static void *take(size_t pages, int flags) {
  return mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
}

static void look(Region *region, uint64_t random, unsigned who) {
  size_t page = random % region->pages;
  for (size_t word = random % 8; word < words; word += 8) {
    if (region->memory[page * words + word] == expected(region, page, word)) continue;
    printf("CORRUPT %u %zu\n", who, page);
    return;
  }
}

static void rewrite(Region *region) {
  region->version[region->next]++;
  fill(region, region->next);
  region->next = (region->next + 1) % region->hot;
}

static void guest(void) {
  if (fork() != 0) return;
  Region own = region(take(mib_pages, MAP_PRIVATE), mib_pages, 77);
  for (double end = seconds() + 0.5; seconds() < end; usleep(1000)) look(&own, mix((uint64_t)(seconds() * 1e6)), 99);
  _exit(0);
}

int main(int argc, char **argv) {
  size_t pages = strtoul(argv[1], NULL, 10) * mib_pages;
  double pages_a_second = argc > 2 ? atof(argv[2]) / 4 : 0;
  unsigned children = argc > 3 ? atoi(argv[3]) : 0, who = 0;
  signal(SIGCHLD, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  uint64_t *shared = take(mib_pages, MAP_SHARED);
  for (unsigned child = 1; child <= children && who == 0; child++)
    if (fork() == 0) who = child;
  size_t part = mib_pages / (children + 1);
  Region own = region(take(pages, MAP_PRIVATE), pages, who);
  if (argc > 4) own.hot = strtoul(argv[4], NULL, 10) * mib_pages;
  Region ours = region(shared + who * part * words, part, 1000 + who);
  Region lent = region(take(mib_pages, MAP_PRIVATE), mib_pages, 2000 + who);
  if (who == 0) printf("ready\n");
  double last = seconds(), longest = 0.05, begun = last, written = 0;
  for (uint64_t tick = 1;; tick++) {
    usleep(1000);
    double now = seconds();
    if (who == 0 && now - last > longest) printf("gap %.0f\n", (longest = now - last) * 1000);
    // After a pause it does not write what it would have written meanwhile.
    if (now - last > 0.1) begun += now - last;
    last = now;
    for (int i = 0; i < looks_a_tick; i++) {
      uint64_t random = mix(tick * looks_a_tick + i + who);
      look(i % 4 == 0 ? &ours : i % 4 == 1 ? &lent : &own, random, who);
    }
    for (; written < (now - begun) * pages_a_second; written++) rewrite((uint64_t)written % 8 == 0 ? &ours : &own);
    if (who == 0 && tick % 200 == 0) printf("tick %lu\n", (unsigned long)tick);
    if (who != 0 || children == 0 || tick % 500 != 0) continue;
    guest();
    munmap(lent.memory, lent.pages * page_bytes);
    free(lent.version);
    lent = region(take(mib_pages, MAP_PRIVATE), mib_pages, tick);
  }
}
