// ticker [-m KIND] [-h HOT_MIB] MIB [DIRTY_MB_PER_S [PROCESSES [FILES CHANGING]]]: the program whose container is moved.
// Each of PROCESSES (default 1) fills MIB mebibytes with an incompressible pattern, which follows from the place of each 8-byte
// word. Then the first process wakes every millisecond, the others every 50 ms. Each checks four random pages, and the first one
// rewrites DIRTY_MB_PER_S (10^6 bytes) of its first HOT_MIB (default: all), in turn. Another process makes FILES files in /files,
// 500 in a folder, and rewrites CHANGING of them five times a second. KIND is the kind of memory: private (default), or anonymous
// memory that is `shared`, a `memfd`, or a System V segment (`sysv`); `forked` is private memory that the first process fills before
// it forks the others, so that all of them share it by copy-on-write. The program prints
//   ready            once all processes have filled their memory
//   gap MS END       for every pause of the first process over 20 ms; END is its end in seconds of the clock
//   wrote PAGES TIME every 200 ms where it rewrites pages: how many so far, and when
//   CORRUPT PAGE     for a page that does not hold what was written to it
//   checked BAD      after SIGUSR1, once all pages of all processes are checked; BAD of them are wrong
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { words = 512, page_bytes = 4096, pages_per_tick = 4, tick_us = 1000, idle_tick_us = 50000 };
static const double tell_s = 0.2;

// Shared by all processes.
struct counts {
  unsigned ready, asked, checked, bad;
};

static volatile sig_atomic_t signalled;

static void on_signal(int number) { signalled = number; }

static double now(void) {
  struct timespec time;
  // The clocks that count from the start of a machine differ between hosts; this one goes on across a move.
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 33)) * 0xff51afd7ed558ccdull;
  x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

static uint64_t expected(uint64_t page, int word, uint32_t version) {
  return mix(page * words + word + version * 0x9e3779b97f4a7c15ull + 1);
}

static void fill(uint64_t *memory, uint64_t page, uint64_t name, uint32_t version) {
  for (int i = 0; i < words; i++) memory[page * words + i] = expected(name + page, i, version);
}

static void fill_all(uint64_t *memory, uint64_t pages, uint64_t name) {
  for (uint64_t page = 0; page < pages; page++) fill(memory, page, name, 0);
}

static int is_wrong(const uint64_t *memory, uint64_t page, uint64_t name, uint32_t version, int stride) {
  for (int i = 0; i < words; i += stride)
    if (memory[page * words + i] != expected(name + page, i, version)) {
      printf("CORRUPT %lu\n", (unsigned long)(name + page));
      return 1;
    }
  return 0;
}

static void write_file(unsigned number, unsigned version) {
  char path[64], text[64];
  snprintf(path, sizeof path, "/files/%u/%u", number / 500, number);
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  int bytes = snprintf(text, sizeof text, "%u %u\n", number, version);
  if (file < 0 || write(file, text, bytes) != bytes || close(file)) {
    perror(path);
    exit(1);
  }
}

// Returns once all files exist. A child process then rewrites some of them for ever.
static void make_files(unsigned count, unsigned changing) {
  mkdir("/files", 0755);
  for (unsigned i = 0; i < count; i++) {
    char folder[64];
    snprintf(folder, sizeof folder, "/files/%u", i / 500);
    if (i % 500 == 0) mkdir(folder, 0755);
    write_file(i, 0);
  }
  if (changing == 0 || fork() != 0) return;
  for (unsigned version = 1;; version++) {
    for (unsigned i = 0; i < changing; i++) write_file(i * (count / changing), version);
    usleep(200000);
  }
}

static void *fail(const char *what) {
  perror(what);
  exit(1);
}

static void *map_shared(size_t bytes, int file) {
  int flags = MAP_SHARED | (file < 0 ? MAP_ANONYMOUS : 0);
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  return memory == MAP_FAILED ? fail("mmap") : memory;
}

// Memory of a kind, a whole number of pages.
static void *allocate(const char *kind, size_t bytes) {
  if (strcmp(kind, "shared") == 0) return map_shared(bytes, -1);
  if (strcmp(kind, "memfd") == 0) {
    int file = memfd_create("ticker", 0);
    return file < 0 || ftruncate(file, bytes) ? fail("memfd_create") : map_shared(bytes, file);
  }
  if (strcmp(kind, "sysv") == 0) {
    int id = shmget(IPC_PRIVATE, bytes, 0600);
    void *memory = id < 0 ? fail("shmget") : shmat(id, NULL, 0);
    return memory == (void *)-1 ? fail("shmat") : memory;
  }
  void *memory = aligned_alloc(page_bytes, bytes);
  return memory ? memory : fail("malloc");
}

int main(int argc, char **argv) {
  const char *kind = "private";
  uint64_t hot = 0;
  for (int option; (option = getopt(argc, argv, "+m:h:")) > 0;) {
    if (option == 'm') kind = optarg;
    else if (option == 'h') hot = strtoul(optarg, NULL, 10) * 256;
    else return 2;
  }
  argc -= optind - 1;
  argv += optind - 1;
  uint64_t pages = argc > 1 ? strtoul(argv[1], NULL, 10) * 256 : 0;
  double dirty_per_tick = argc > 2 ? atof(argv[2]) * tick_us / page_bytes : 0;
  unsigned processes = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
  if (pages == 0 || processes == 0) {
    fprintf(stderr, "usage: ticker [-m KIND] [-h HOT_MIB] MIB [DIRTY_MB_PER_S [PROCESSES [FILES CHANGING]]]\n");
    return 2;
  }
  if (argc > 5) make_files(strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGUSR1, on_signal);
  int sharing = processes > 1 ? MAP_SHARED : MAP_PRIVATE;
  struct counts *counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (counts == MAP_FAILED) return 1;
  int is_forked = strcmp(kind, "forked") == 0;
  uint64_t *memory = is_forked ? allocate(kind, pages * page_bytes) : NULL;
  if (is_forked) fill_all(memory, pages, 0);
  unsigned self = 0;
  for (unsigned i = 1; i < processes && self == 0; i++) {
    pid_t child = fork();
    if (child < 0) return 1;
    if (child == 0) self = i;
  }
  // No two pages of the container have the same contents.
  uint64_t name = is_forked ? 0 : (uint64_t)self * pages;
  if (!is_forked) {
    memory = allocate(kind, pages * page_bytes);
    fill_all(memory, pages, name);
  }
  uint32_t *version = calloc(pages, sizeof *version);
  if (!version) return 1;
  __atomic_add_fetch(&counts->ready, 1, __ATOMIC_SEQ_CST);
  if (self == 0) {
    while (__atomic_load_n(&counts->ready, __ATOMIC_SEQ_CST) < processes) usleep(10000);
    printf("ready\n");
  }

  uint64_t random = self + 1, next = 0, wrote = 0;
  unsigned asked = 0;
  double last = now(), owed = 0, told = 0;
  if (hot == 0 || hot > pages) hot = pages;
  for (;;) {
    usleep(self == 0 ? tick_us : idle_tick_us);
    double time = now(), pause = (time - last) * 1e3;
    if (self == 0 && pause > 20) printf("gap %.1f %.3f\n", pause, time);
    last = time;
    for (int i = 0; i < pages_per_tick; i++) {
      random = mix(random + 1);
      uint64_t page = random % pages;
      is_wrong(memory, page, name, version[page], 64);
    }
    if (self == 0 && dirty_per_tick > 0) {
      for (owed += dirty_per_tick; owed >= 1; owed--, wrote++, next = (next + 1) % hot) fill(memory, next, name, ++version[next]);
      if (time - told >= tell_s) {
        printf("wrote %lu %.3f\n", (unsigned long)wrote, time);
        told = time;
      }
    }
    if (self == 0 && signalled) {
      signalled = 0;
      __atomic_store_n(&counts->checked, 0, __ATOMIC_SEQ_CST);
      __atomic_add_fetch(&counts->asked, 1, __ATOMIC_SEQ_CST);
    }
    unsigned wanted = __atomic_load_n(&counts->asked, __ATOMIC_SEQ_CST);
    if (wanted != asked) {
      asked = wanted;
      for (uint64_t page = 0; page < pages; page++)
        if (is_wrong(memory, page, name, version[page], 1)) __atomic_add_fetch(&counts->bad, 1, __ATOMIC_SEQ_CST);
      if (__atomic_add_fetch(&counts->checked, 1, __ATOMIC_SEQ_CST) == processes) printf("checked %u\n", counts->bad);
      last = now();
    }
  }
}
