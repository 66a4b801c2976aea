/*
 * memory-changes KIND [FILE]: changes its memory in one way. It prepares it, prints "ready", waits for SIGUSR1, makes the change, and
 * prints "done". Then it waits. Where it has a child that maps or has memory, it prints the child's process id behind the word.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "odd-processes.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

enum { HUGE = 2 << 20 };

static const char *file;
static int object;

static void fill(char *at, size_t pages, int seed) {
  for (size_t page = 0; page < pages; page++) memset(at + page * PAGE, 1 + (page + seed) % 200, PAGE);
}

static void nothing(void) {}

static void write_some(void) { memory[7 * PAGE + 5] ^= 1; }
static void write_by_kernel(void) {
  int zero = open("/dev/zero", O_RDONLY);
  must(read(zero, memory + 9 * PAGE, 3 * PAGE) == 3 * PAGE, "read");
}
static void discard(void) { must(!madvise(memory + 4 * PAGE, 8 * PAGE, MADV_DONTNEED), "MADV_DONTNEED"); }
static void free_lazily(void) {
  must(!madvise(memory + 4 * PAGE, 8 * PAGE, MADV_FREE), "MADV_FREE");
  // The kernel takes such pages when it needs room; this makes it need some.
  must(!madvise(memory + 4 * PAGE, 8 * PAGE, MADV_PAGEOUT), "MADV_PAGEOUT");
}
static void guard(void) { must(!madvise(memory + 4 * PAGE, 8 * PAGE, MADV_GUARD_INSTALL), "MADV_GUARD_INSTALL"); }
static void guard_and_lift(void) {
  guard();
  must(!madvise(memory + 4 * PAGE, 8 * PAGE, MADV_GUARD_REMOVE), "MADV_GUARD_REMOVE");
}
static void move(void) {
  char *target = must_map(NULL, PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memory = mremap(memory, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  must(memory != MAP_FAILED, "mremap");
}
/** The pages of one mapping in the place of another, with the number of pages as before. */
static void replace(void) {
  char *other = must_map(NULL, PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  fill(other, PAGES, 90);
  must(mremap(other, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory) == memory, "mremap");
}
static void grow(void) {
  memory = mremap(memory, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
  must(memory != MAP_FAILED, "mremap");
  fill(memory + PAGES * PAGE, PAGES, 50);
}
static void prepare_break(void) { fill(sbrk(PAGES * PAGE), PAGES - 1, 3); }
static void move_break(void) {
  must(sbrk(-32 * PAGE) != (void *)-1, "sbrk");
  fill(sbrk(64 * PAGE), 63, 70);
}
static void map_over(void) { fill(must_map(memory + 8 * PAGE, 8 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1), 4, 77); }
static void map_new(void) { fill(must_map(NULL, PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1), PAGES, 31); }
static void unmap(void) { must(!munmap(memory + 8 * PAGE, 8 * PAGE), "munmap"); }
static void protect(void) {
  memory[20 * PAGE] ^= 1;
  must(!mprotect(memory + 16 * PAGE, 8 * PAGE, PROT_NONE), "mprotect");
}
static void prepare_huge(void) {
  char *at = must_map(NULL, 3 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  memory = (char *)(((uintptr_t)at + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
  madvise(memory, 2 * HUGE, MADV_HUGEPAGE);
  fill(memory, 2 * HUGE / PAGE, 1);
}
static void prepare_zeros(void) {
  memory = must_map(NULL, PAGES * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  volatile char sum = 0;
  for (int page = 0; page < PAGES; page++) sum += memory[page * PAGE];
}
static void map_file(void) {
  int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
  must(write(fd, memory, PAGES * PAGE) == PAGES * PAGE, file);
  memory = must_map(NULL, PAGES * PAGE, MAP_PRIVATE, fd);
  fill(memory, PAGES / 2, 120);
}

/** The child goes on with what it has; both write after the fork. */
static void fork_and_write(void) {
  child = fork();
  if (child == 0) memory[11 * PAGE] ^= 2;
  else memory[12 * PAGE] ^= 4;
}
static int share(void *given) {
  (void)given;
  memory[15 * PAGE] ^= 8;
  for (;;) pause();
  return 0;
}
static void clone_sharer(void) {
  char *stack = must_map(NULL, 16 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  child = clone(share, stack + 16 * PAGE, CLONE_VM | SIGCHLD, NULL);
  must(child > 0, "clone");
  usleep(50000);
}
static void execute(void) { execl("/proc/self/exe", "memory-changes", "executed", (char *)NULL); }

static void make_object(void) {
  object = memfd_create("object", 0);
  must(!ftruncate(object, PAGES * PAGE), "ftruncate");
  memory = must_map(NULL, PAGES * PAGE, MAP_SHARED, object);
  fill(memory, PAGES, 5);
}
static void write_object(void) { must(pwrite(object, "changed", 7, 30 * PAGE + 9) == 7, "pwrite"); }
static void punch_object(void) {
  must(!fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8 * PAGE, 8 * PAGE), "fallocate");
}
static void grow_object(void) { must(!ftruncate(object, 2 * PAGES * PAGE), "ftruncate"); }
/** A second mapping, which is gone again when somebody looks. */
static void write_and_unmap(void) {
  char *other = must_map(NULL, PAGES * PAGE, MAP_SHARED, object);
  other[40 * PAGE] ^= 1;
  must(!munmap(other, PAGES * PAGE), "munmap");
}
static void write_and_exit(void) {
  int writer = fork();
  if (writer == 0) {
    memory[41 * PAGE] ^= 1;
    _exit(0);
  }
  waitpid(writer, NULL, 0);
}

static const struct kind {
  const char *name;
  void (*prepare)(void), (*change)(void);
} kinds[] = {
    {"write", nothing, write_some},
    {"read", nothing, write_by_kernel},
    {"dontneed", nothing, discard},
    {"free", nothing, free_lazily},
    {"guard", nothing, guard},
    {"guard-lifted", nothing, guard_and_lift},
    {"mremap", nothing, move},
    {"mremap-over", nothing, replace},
    {"mremap-grown", nothing, grow},
    {"brk", prepare_break, move_break},
    {"map-fixed", nothing, map_over},
    {"map-new", nothing, map_new},
    {"unmap", nothing, unmap},
    {"protect", nothing, protect},
    {"huge", prepare_huge, write_some},
    {"huge-dontneed", prepare_huge, discard},
    {"zero-page", prepare_zeros, write_some},
    {"file", map_file, write_some},
    {"file-dontneed", map_file, discard},
    {"fork", nothing, fork_and_write},
    {"sharer", clone_sharer, write_some},
    {"sharer-born", nothing, clone_sharer},
    {"execve", nothing, execute},
    {"executed", nothing, nothing},
    {"memfd-write", make_object, write_object},
    {"memfd-punch", make_object, punch_object},
    {"memfd-grow", make_object, grow_object},
    {"memfd-unmap", make_object, write_and_unmap},
    {"memfd-exit", make_object, write_and_exit},
    {"own-userfaultfd", own_userfaultfd, write_some},
    {"traced", be_traced, write_some},
    {"hidden", be_hidden, write_some},
    {"dead-leader", end_leader, nothing},
    {"vfork", wait_as_parent, nothing},
    {"zombie", be_dead, nothing},
    {"pinned", nothing, pin},
};

static void say(const char *word) {
  // The child of a fork shares this output.
  if (child == 0) printf("%s\n", word);
  else printf("%s %d\n", word, child);
  fflush(stdout);
}

int main(int argc, char **argv) {
  const struct kind *kind = kinds;
  const char *name = argc > 1 ? argv[1] : "";
  while (kind < kinds + sizeof kinds / sizeof *kinds && strcmp(kind->name, name) != 0) kind++;
  if (kind == kinds + sizeof kinds / sizeof *kinds) return 2;
  file = argc > 2 ? argv[2] : NULL;
  int own = getpid();
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigprocmask(SIG_BLOCK, &wanted, NULL);
  // Neighbours would join with it, and so change its place in the tables.
  memory = (char *)must_map(NULL, (PAGES + 2) * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1) + PAGE;
  must(!munmap(memory - PAGE, PAGE) && !munmap(memory + PAGES * PAGE, PAGE), "munmap");
  fill(memory, PAGES, 0);
  kind->prepare();
  say(strcmp(name, "executed") == 0 ? "done" : "ready");
  int got;
  sigwait(&wanted, &got);
  kind->change();
  if (getpid() == own) say("done");
  for (;;) pause();
}
