/*
 * restless-objects SEED: a process and its child change memory that they share, in every way that they can, as fast as they can: an
 * anonymous mapping, two memfds and two System V segments are written through mappings and by write(), punched, cut off and enlarged; they
 * are unmapped and mapped again, and new ones come. Its segments are in a namespace of its own. Prints "ready" once both have begun.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <signal.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 900 };

static uint64_t state;
static uint64_t any(uint64_t below) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state % below;
}

static char *map(int fd) { return mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0); }

/** Changes an object that is never smaller than the pages that are written through its mapping. */
static void change(int fd, char *mapped) {
  size_t page = any(PAGES), count = 1 + any(PAGES - page);
  char bytes[100];
  memset(bytes, (int)any(256), sizeof bytes);
  switch (any(8)) {
  case 0:
    if (fd >= 0) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)page * PAGE, (off_t)count * PAGE);
    break;
  case 1:
    madvise(mapped + page * PAGE, count * PAGE, MADV_REMOVE);
    break;
  case 2:
    // Beyond the mapping, so that nobody is killed.
    if (fd >= 0 && ftruncate(fd, (off_t)(PAGES + any(50)) * PAGE + (off_t)any(PAGE))) exit(1);
    break;
  case 3:
    if (fd >= 0 && pwrite(fd, bytes, sizeof bytes, (off_t)(PAGES * PAGE + any(10 * PAGE))) < 0) exit(1);
    break;
  default:
    for (int i = 0; i < 20; i++) memset(mapped + any(PAGES) * PAGE + any(PAGE - 200), (int)any(256), 1 + any(100));
  }
}

/** A program may write to all of its last page, beyond the size that it asked for. */
static int segment(void) { return shmget(IPC_PRIVATE, (PAGES - 1) * PAGE + 1000, IPC_CREAT | 0600); }

int main(int argc, char **argv) {
  state = 0x9e3779b9u * (1 + strtoull(argc > 1 ? argv[1] : "1", NULL, 10));
  int mapped = memfd_create("mapped", 0), open_only = memfd_create("only open", 0);
  if (ftruncate(mapped, PAGES * PAGE) || ftruncate(open_only, PAGES * PAGE)) return 1;
  char *anonymous = map(-1), *of_memfd = map(mapped);
  if (unshare(CLONE_NEWIPC)) return 1;
  int attached = segment(), detached = segment();
  char *of_segment = shmat(attached, NULL, 0);
  of_segment[PAGES * PAGE - 1] = 1;
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    state += 77;
  } else puts("ready");
  fflush(stdout);
  int passing = -1;
  for (char *more = NULL;;) {
    change(-1, anonymous);
    change(mapped, of_memfd);
    char *shortly = map(open_only);
    change(open_only, shortly);
    munmap(shortly, PAGES * PAGE);
    change(-1, of_segment);
    shortly = shmat(detached, NULL, 0);
    change(-1, shortly);
    shmdt(shortly);
    if (any(40) == 0) {
      if (passing >= 0) shmctl(passing, IPC_RMID, NULL);
      passing = segment();
      shortly = shmat(passing, NULL, 0);
      change(-1, shortly);
      shmdt(shortly);
    }
    if (any(20) == 0) {
      if (more) munmap(more, PAGES * PAGE);
      more = map(-1);
    }
    if (more) change(-1, more);
  }
}
