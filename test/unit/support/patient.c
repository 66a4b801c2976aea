// patient WORK PAGES SEED [moves|grows|swaps|forks]: a process whose memory was left out of its restore, as CRIU makes one, and what it does with it meanwhile.
// It says "region PAGE", the number of its memory's first page, waits for a line, gives its userfaultfd to the program at
// WORK/lazy-pages.socket as task 1, and then reads, writes, forks, remaps, unmaps, gives back and protects parts of the memory.
// A child inherits none of its first WITHHELD pages: half of them are zeros (MADV_WIPEONFORK), the others are not mapped (MADV_DONTFORK). With `moves` it only moves its memory to and fro,
// as fast as it can. With `grows` it locks a part of it, and then moves that part and makes it larger. With
// `swaps` a second thread moves memory to where the first one has just moved some away.
// With `forks` it has 150 children, one after another.
// In the end it looks at all of it, and says "ok", or "wrong PAGE" for the first page that holds something else than it must.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { page_bytes = 4096, words = page_bytes / 8, steps = 400, longest = 48, TO_AND_FRO = 800, WITHHELD = 600, LOCKED = 700, BLOCK = 10 };
enum { dumped, zeros, own, gone };

static uint64_t pages, first, seed;
static char **places;      // Where each page is now.
static uint8_t *contents;  // What it must hold.

static uint64_t next(uint64_t below) {
  seed = seed * 6364136223846793005ull + 1442695040888963407ull;
  return (seed >> 33) % below;
}

static uint64_t word(uint64_t page) { return page % 7 == 0 ? 0 : page * 0x9e3779b97f4a7c15ull; }

static void die(const char *what) {
  perror(what);
  exit(2);
}

static void look(uint64_t i) {
  if (contents[i] == gone) return;
  const volatile uint64_t *at = (void *)places[i];
  uint64_t expected = contents[i] == zeros ? 0 : contents[i] == own ? i + 1 : word(first + i);
  for (int w = 0; w < words; w++)
    if (at[w] != expected) {
      printf("wrong %lu\n", i);
      fflush(stdout);
      _exit(1);
    }
}

// The last quarter belongs to it alone.
static void *reader(void *unused) {
  uint64_t mine = 88172645463325252ull;
  for (int i = 0; i < 2000; i++) {
    mine ^= mine << 13, mine ^= mine >> 7, mine ^= mine << 17;
    look(pages - 1 - mine % (pages / 4));
  }
  return unused;
}

// A stretch of pages that lie one behind the other.
static uint64_t stretch(uint64_t *from) {
  uint64_t length = 1, most = 1 + next(longest);
  *from = next(pages - pages / 4 - longest);
  if (contents[*from] == gone) return 0;
  while (length < most && contents[*from + length] != gone &&
         places[*from + length] == places[*from] + length * page_bytes)
    length++;
  return length;
}

static void change(int what) {
  uint64_t from, length = stretch(&from);
  if (length == 0) return;
  char *at = places[from];
  size_t bytes = length * page_bytes;
  if (what == 0 && munmap(at, bytes)) die("munmap");
  if (what == 1 && madvise(at, bytes, MADV_DONTNEED)) die("madvise");
  if (what == 2) {
    char *to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // Not across mappings of different protection.
    if (mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to) return;
    for (uint64_t i = 0; i < length; i++) places[from + i] = to + i * page_bytes;
  }
  if (what == 3 && mprotect(at, bytes, PROT_READ | PROT_WRITE | (next(2) ? PROT_EXEC : 0))) die("mprotect");
  for (uint64_t i = from; i < from + length; i++) {
    if (what == 0) contents[i] = gone;
    if (what == 1) contents[i] = zeros;
  }
}

// All of the memory, to another place and back.
static void move_all(char *memory) {
  size_t bytes = pages * page_bytes;
  char *to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (madvise(memory, bytes, MADV_KEEPONFORK) || madvise(memory, bytes, MADV_DOFORK)) die("madvise");
  for (int i = 0; i < TO_AND_FRO; i++) {
    char *from = i % 2 ? to : memory, *next = i % 2 ? memory : to;
    if (mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, next) != next) die("mremap");
  }
}

static char *volatile vacated;

// Moves every second block to where the first thread has moved the one before it from, as soon as nothing is there.
static void *take_places(void *unused) {
  unsigned char is_there;
  for (uint64_t i = BLOCK; i + BLOCK <= pages; i += 2 * BLOCK) {
    while (vacated != places[i - BLOCK] || !mincore(vacated, page_bytes, &is_there)) sched_yield();
    if (mremap(places[i], BLOCK * page_bytes, BLOCK * page_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, vacated) != vacated) die("mremap");
    vacated = NULL;
  }
  return unused;
}

static void swap_places(char *memory) {
  pthread_t other;
  size_t bytes = pages * page_bytes;
  if (madvise(memory, bytes, MADV_KEEPONFORK) || madvise(memory, bytes, MADV_DOFORK)) die("madvise");
  char *to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  pthread_create(&other, NULL, take_places, NULL);
  for (uint64_t i = 0; i + 2 * BLOCK <= pages; i += 2 * BLOCK) {
    char *from = places[i], *at = to + i * page_bytes;
    vacated = from;
    if (mremap(from, BLOCK * page_bytes, BLOCK * page_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) != at) die("mremap");
    while (vacated) sched_yield();
    for (int j = 0; j < BLOCK; j++) {
      places[i + j] = at + j * page_bytes;
      places[i + BLOCK + j] = from + j * page_bytes;
    }
  }
  pthread_join(other, NULL);
}

// The kernel brings the pages of the larger part before it tells userfaultfd that the part has moved.
static void grow_locked(char *memory) {
  size_t bytes = LOCKED * page_bytes;
  char *to = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (madvise(memory, bytes, MADV_KEEPONFORK) || madvise(memory, bytes, MADV_DOFORK) || mlock(memory, bytes)) die("mlock");
  if (mremap(memory, bytes, 2 * bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to) die("mremap");
  for (int i = 0; i < LOCKED; i++) places[i] = to + i * page_bytes;
  for (size_t i = bytes; i < 2 * bytes; i++)
    if (to[i]) die("more memory");
  // It is one mapping still: more than one cannot grow.
  char *again = mremap(to, 2 * bytes, 3 * bytes, MREMAP_MAYMOVE);
  if (again == MAP_FAILED) die("mremap of what has grown");
  for (int i = 0; i < LOCKED; i++) places[i] = again + i * page_bytes;
}

static void write_to(uint64_t i) {
  if (contents[i] == gone) return;
  for (int w = 0; w < words; w++) ((uint64_t *)places[i])[w] = i + 1;
  contents[i] = own;
}

// In a child: the mapping in front of the pages that are not mapped takes their place.
static void grow_over_hole(void) {
  int from = WITHHELD / 2 - 1;
  if (contents[from] == gone || mremap(places[from], page_bytes, (WITHHELD / 2 + 1) * page_bytes, 0) == MAP_FAILED) return;
  for (int i = from + 1; i < WITHHELD; i++) {
    places[i] = places[from] + (i - from) * page_bytes;
    contents[i] = zeros;
  }
}

static pid_t forked(void) {
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child > 0) return child;
  for (int i = 0; i < WITHHELD; i++)
    if (contents[i] != gone) contents[i] = i < WITHHELD / 2 ? zeros : gone;
  grow_over_hole();
  for (int i = 0; i < 40; i++) look(next(WITHHELD));
  for (int i = 0; i < 60; i++) look(next(pages));
  for (int i = 0; i < 5; i++) write_to(next(pages));
  for (int i = 0; i < 60; i++) look(next(pages));
  _exit(0);
}

static int given(char *memory) {
  int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  struct uffdio_api api = {.api = UFFD_API,
                           .features = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_UNMAP |
                                       UFFD_FEATURE_EVENT_REMOVE};
  struct uffdio_register all = {.range = {(uintptr_t)memory, pages * page_bytes}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &all)) die("userfaultfd");
  return fd;
}

static void give_away(int fd) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "lazy-pages.socket"};
  int daemon = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(daemon, (struct sockaddr *)&address, sizeof address)) die("connect");
  int32_t task = 1, finished = 0x52535446;
  char byte = 0, control[CMSG_SPACE(sizeof fd)];
  memset(control, 0, sizeof control);
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(CMSG_DATA(head), &fd, sizeof fd);
  if (send(daemon, &task, sizeof task, 0) != sizeof task || sendmsg(daemon, &message, 0) != 1) die("send");
  // A page is needed before everything is restored, too.
  close(fd);
  look(pages - 1);
  if (send(daemon, &finished, sizeof finished, 0) != sizeof finished) die("send");
  close(daemon);
}

int main(int count, char **arguments) {
  if (count < 4 || chdir(arguments[1])) die("usage: patient WORK PAGES SEED");
  pages = strtoul(arguments[2], NULL, 10);
  seed = strtoul(arguments[3], NULL, 10);
  char *memory = mmap(NULL, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  places = malloc(pages * sizeof *places);
  contents = calloc(pages, 1);
  for (uint64_t i = 0; i < pages; i++) places[i] = memory + i * page_bytes;
  first = (uintptr_t)memory / page_bytes;
  size_t half = WITHHELD / 2 * page_bytes;
  if (madvise(memory, half, MADV_WIPEONFORK) || madvise(memory + half, half, MADV_DONTFORK)) die("madvise");
  int fd = given(memory);
  printf("region %lu\n", first);
  fflush(stdout);
  getchar();
  give_away(fd);
  const char *only = count > 4 ? arguments[4] : "";
  if (strcmp(only, "moves") == 0) move_all(memory);
  if (strcmp(only, "grows") == 0) grow_locked(memory);
  if (strcmp(only, "swaps") == 0) swap_places(memory);
  for (int i = 0; strcmp(only, "forks") == 0 && i < 150; i++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child < 0 || waitpid(child, NULL, 0) != child) die("a child");
  }
  pthread_t thread;
  pthread_create(&thread, NULL, reader, NULL);
  int children = 0, wrong = 0, status;
  for (int i = 0; count == 4 && i < steps; i++) {
    uint64_t what = next(20);
    if (what < 4) change((int)what);
    else if (what < 6) children += forked() > 0;
    else if (what < 8) write_to(next(pages - pages / 4));
    else look(next(pages));
    while (children > 0 && waitpid(-1, &status, WNOHANG) > 0) children--, wrong += status != 0;
  }
  pthread_join(thread, NULL);
  while (children > 0 && waitpid(-1, &status, 0) > 0) children--, wrong += status != 0;
  for (uint64_t i = 0; i < pages; i++) look(i);
  puts(wrong ? "wrong children" : "ok");
  return wrong > 0;
}
