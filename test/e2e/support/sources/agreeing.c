/*
 * usage: agreeing MEBIBYTES CHILDREN
 * Processes whose memory and files agree at every instant, in folders /tmp and /data. Each has MEBIBYTES for itself, and writes to the
 * first quarter of it. All share a mapping without a name and a memfd. A step of a process writes a page of each, appends a record to
 * a file that is open, and replaces the contents of one that is not. Before a step it looks whether all of this is as the step before
 * has left it. Prints "ready", "step N" now and then, or "CORRUPT" and what is wrong.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { words = 512, shared_pages = 64 };

static unsigned who;
static uint64_t step;

struct part {
  const char *name;
  uint64_t *memory, *steps;
  size_t pages, written;
};

static void *must(void *memory) {
  if (memory != MAP_FAILED && memory) return memory;
  perror("memory");
  exit(1);
}

static uint64_t word(uint64_t of, size_t page, size_t at) {
  uint64_t x = (of + 1) * 0x9e3779b97f4a7c15ull + page * words + at + ((uint64_t)who << 40);
  return (x ^ (x >> 31)) * 0xbf58476d1ce4e5b9ull;
}

static void put(struct part *part, size_t page) {
  part->steps[page] = step;
  for (size_t i = 0; i < words; i++) part->memory[page * words + i] = word(step, page, i);
}

static void wrong(const char *what, unsigned long at) {
  printf("CORRUPT %u %s %lu in step %lu\n", who, what, at, (unsigned long)step);
  exit(1);
}

static void look(const struct part *part, size_t page) {
  for (size_t i = 0; i < words; i++)
    if (part->memory[page * words + i] != word(part->steps[page], page, i)) wrong(part->name, page);
}

static struct part part_of(const char *name, void *memory, size_t pages, size_t written) {
  struct part part = {name, must(memory), must(calloc(pages, sizeof(uint64_t))), pages, written};
  for (size_t page = 0; page < pages; page++) put(&part, page);
  return part;
}

static void check_files(const char *open_file, const char *closed_file, int fd) {
  struct stat about;
  uint64_t last = 0;
  if (fstat(fd, &about) || about.st_size != (off_t)(step * sizeof step)) wrong(open_file, about.st_size);
  if (step && (pread(fd, &last, sizeof last, (off_t)((step - 1) * sizeof step)) != sizeof last || last != step - 1)) wrong(open_file, last);
  int other = open(closed_file, O_RDONLY);
  if (step && (read(other, &last, sizeof last) != sizeof last || last != step - 1)) wrong(closed_file, last);
  close(other);
}

static void write_files(const char *closed_file, int fd) {
  int other = open(closed_file, O_WRONLY | O_CREAT, 0600);
  if (write(fd, &step, sizeof step) != sizeof step || write(other, &step, sizeof step) != sizeof step) exit(1);
  close(other);
}

int main(int argc, char **argv) {
  size_t pages = argc > 1 ? strtoul(argv[1], NULL, 10) * 256 : 256;
  unsigned children = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
  size_t bytes = (children + 1) * shared_pages * words * 8;
  char open_file[32], closed_file[32];
  char *nameless = must(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  int memfd = memfd_create("agreeing", 0);
  if (ftruncate(memfd, (off_t)bytes + 100)) return 1;
  char *named = must(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0));
  for (unsigned child = 1; child <= children && who == 0; child++)
    if (fork() == 0) who = child;
  size_t own = who * shared_pages * words * 8;
  struct part parts[] = {
      part_of("own memory", mmap(NULL, pages * words * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), pages, pages / 4),
      part_of("shared memory", nameless + own, shared_pages, shared_pages),
      part_of("memfd", named + own, shared_pages, shared_pages),
  };
  setvbuf(stdout, NULL, _IOLBF, 0);
  snprintf(open_file, sizeof open_file, "/tmp/open-%u", who);
  snprintf(closed_file, sizeof closed_file, "/data/closed-%u", who);
  int fd = open(open_file, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
  if (who == 0) printf("ready\n");
  for (;; step++, usleep(2000)) {
    check_files(open_file, closed_file, fd);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
      for (size_t n = 0; n < 8; n++) look(&parts[i], (step * 131 + n * 17) % parts[i].pages);
      put(&parts[i], step % parts[i].written);
    }
    write_files(closed_file, fd);
    if (who == 0 && step % 50 == 0) printf("step %lu\n", (unsigned long)step);
  }
}
