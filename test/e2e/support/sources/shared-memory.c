/*
 * usage: shared-memory MEBIBYTES
 * Fills MEBIBYTES of memory, of every kind that processes can share, with incompressible bytes. Then one child after another checks
 * all of it, for ever. Prints "ready", "pass N" after each check, or "CORRUPT" and what is wrong.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t size;

static uint64_t next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void *must(void *memory, const char *what) {
  if (memory != MAP_FAILED) return memory;
  perror(what);
  exit(1);
}

static void fill(uint64_t *memory, size_t bytes, uint64_t seed) {
  for (size_t i = 0; i < bytes / sizeof *memory; i++) memory[i] = next(&seed);
}

static void check(const uint64_t *memory, size_t bytes, uint64_t seed, const char *what) {
  for (size_t i = 0; i < bytes / sizeof *memory; i++) {
    if (memory[i] == next(&seed)) continue;
    printf("CORRUPT %s at %zu\n", what, i * sizeof *memory);
    exit(1);
  }
}

static void *mapped(int file, size_t bytes) {
  if (ftruncate(file, (off_t)bytes)) exit(1);
  return must(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), "mmap");
}

/** A function as a just-in-time compiler makes it: in shared memory that is not writable any more, and below the program. */
static int (*compiled(void))(void) {
#if defined(__x86_64__)
  static const unsigned char gives_42[] = {0xb8, 42, 0, 0, 0, 0xc3};
  void *code = must(mmap((void *)0x10000, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), "mmap");
  memcpy(code, gives_42, sizeof gives_42);
  if (mprotect(code, 8192, PROT_READ | PROT_EXEC)) exit(1);
  return (int (*)(void))code;
#else
  return NULL;
#endif
}

int main(int argc, char **argv) {
  size = strtoull(argc > 1 ? argv[1] : "0", NULL, 10) << 20;
  size_t half = size / 2, eighth = size / 8;
  void *anonymous = must(mmap(NULL, half, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), "mmap");
  fill(anonymous, half, 1);
  void *attached = must(shmat(shmget(IPC_PRIVATE, eighth, IPC_CREAT | 0600), NULL, 0), "shmat");
  fill(attached, eighth, 2);
  int segment = shmget(IPC_PRIVATE, eighth, IPC_CREAT | 0600);
  void *detached = must(shmat(segment, NULL, 0), "shmat");
  fill(detached, eighth, 3);
  shmdt(detached);
  void *named = mapped(open("/dev/shm/named", O_RDWR | O_CREAT, 0600), eighth);
  fill(named, eighth, 4);
  int memfd = memfd_create("not mapped", 0);
  void *passing = mapped(memfd, eighth);
  fill(passing, eighth, 5);
  munmap(passing, eighth);
  int (*function)(void) = compiled();
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("ready\n");
  for (unsigned long pass = 0;; pass++) {
    pid_t child = fork();
    if (child == 0) {
      if (function && function() != 42) printf("CORRUPT code\n");
      check(anonymous, half, 1, "shared anonymous memory");
      check(attached, eighth, 2, "an attached segment");
      detached = must(shmat(segment, NULL, SHM_RDONLY), "shmat");
      check(detached, eighth, 3, "a segment that nobody had attached");
      check(named, eighth, 4, "/dev/shm");
      passing = must(mmap(NULL, eighth, PROT_READ, MAP_SHARED, memfd, 0), "mmap");
      check(passing, eighth, 5, "a memfd that nobody had mapped");
      exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    if (status) return 1;
    printf("pass %lu\n", pass);
    usleep(500 * 1000);
  }
}
