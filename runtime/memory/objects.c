#define _GNU_SOURCE
#include "objects.h"
#include "find.h"
#include "hash.h"
#include "tracking/kernel.h"
#include "wire.h"
#include "wire/blocks.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_PAGES = 64 };

struct object {
  ino_t inode;
  int fd, is_used;
  // Of System V. Its inode is its id, which the kernel gives out apart from all other inodes.
  int is_segment;
  uint64_t size;
  // Of each page that the destination has. 0: it holds zeros there, as at the beginning.
  uint64_t *hashes;
  size_t pages;
};

static struct object *all;
static size_t count;

/** The file system in the kernel that holds all shared memory without a name. */
static dev_t shared_device(void) {
  static dev_t device;
  struct stat about;
  int fd = device ? -1 : memfd_create("", MFD_CLOEXEC);
  if (fd >= 0) {
    if (!fstat(fd, &about)) device = about.st_dev;
    close(fd);
  }
  return device;
}

static void *must(void *memory) {
  if (!memory) abort();
  return memory;
}

static void drop(struct object *it) {
  wire_frame(word_object, shared_objects + it->inode, 0, 0);
  close(it->fd);
  free(it->hashes);
  *it = all[--count];
}

static struct object *find(ino_t inode) {
  for (size_t i = 0; i < count; i++)
    if (all[i].inode == inode) return &all[i];
  return NULL;
}

/** Says how large it is now, with the name that a memfd has. */
static void declare(const struct object *it, const char *name) {
  wire_frame(word_object, shared_objects + it->inode, it->size, strlen(name));
  blocks_write(name, strlen(name));
}

static void resize(struct object *it, uint64_t size) {
  size_t pages = (size + PAGE - 1) / PAGE;
  if (pages > it->pages) {
    it->hashes = must(realloc(it->hashes, pages * sizeof *it->hashes));
    memset(it->hashes + it->pages, 0, (pages - it->pages) * sizeof *it->hashes);
  }
  // What it loses at its end is gone, also if it grows again.
  it->pages = pages;
  it->size = size;
}

/** A program can write to all of the last page of a segment, whatever size it asked for. */
static uint64_t size_in(const struct object *it, const struct stat *about) {
  uint64_t size = (uint64_t)about->st_size;
  return it->is_segment ? (size + PAGE - 1) / PAGE * PAGE : size;
}

/** Takes an object by a path below /proc that opens it, unless it is known. */
static int take(const char *link, const char *name, int is_segment) {
  struct stat about;
  if (stat(link, &about)) return errno == ENOENT ? 0 : -errno;
  // Huge pages lie in a file system of their own, and CRIU keeps them apart as well.
  if (about.st_dev != shared_device()) return 0;
  struct object *it = find(about.st_ino);
  if (it) {
    it->is_used = 1;
    return it->is_segment == is_segment ? 0 : -ENOTUNIQ;
  }
  int fd = open(link, O_RDONLY | O_CLOEXEC);
  // It is not used any more; the next round sees what is.
  if (fd < 0) return errno == ENOENT ? 0 : -errno;
  if (fstat(fd, &about) || find(about.st_ino)) {
    close(fd);
    return 0;
  }
  all = must(realloc(all, (count + 1) * sizeof *all));
  it = &all[count++];
  *it = (struct object){.inode = about.st_ino, .fd = fd, .is_used = 1, .is_segment = is_segment};
  resize(it, size_in(it, &about));
  declare(it, name);
  return 0;
}

static int take_file(const char *link, const char *name) { return take(link, name, 0); }
static int take_segment(const char *link, const char *name) { return take(link, name, 1); }

static int has_segment(int id) {
  struct object *it = find((ino_t)id);
  if (!it || !it->is_segment) return 0;
  return it->is_used = 1;
}

void objects_begin(void) {
  for (size_t i = 0; i < count; i++) all[i].is_used = 0;
}

int objects_of(pid_t pid) {
  int error = find_mapped(pid, take_file);
  if (!error) error = find_open(pid, take_file);
  return error ? error : find_segments(pid, has_segment, take_segment);
}

/** Tells the destination to forget pages that are holes now. */
static void clear(struct object *it, size_t first, size_t end, int sends, uint64_t *changed) {
  for (size_t page = first; page < end && page < it->pages; page++) {
    if (!it->hashes[page]) continue;
    ++*changed;
    if (!sends) continue;
    wire_frame(word_zeros, shared_objects + it->inode, page, 1);
    it->hashes[page] = 0;
  }
}

/** By a mapping, because read() ends at the size of the segment. */
static int read_last_page(const struct object *it, char *to) {
  void *mapped = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, it->fd, (off_t)(it->size - PAGE));
  if (mapped == MAP_FAILED) return -1;
  memcpy(to, mapped, PAGE);
  return munmap(mapped, PAGE);
}

static int compare_piece(struct object *it, size_t first, size_t end, int sends, uint64_t *changed) {
  static char bytes[PIECE_PAGES * PAGE] __attribute__((aligned(PAGE)));
  ssize_t read = pread(it->fd, bytes, (end - first) * PAGE, (off_t)first * PAGE);
  if (read < 0) return -errno;
  // The end of the object lies within its last page.
  if ((size_t)read < (end - first) * PAGE) {
    memset(bytes + read, 0, (end - first) * PAGE - read);
    if (it->is_segment && read_last_page(it, bytes + (end - first - 1) * PAGE)) return -errno;
  }
  for (size_t page = first; page < end; page++) {
    const char *here = bytes + (page - first) * PAGE;
    uint64_t hash = page_hash(here);
    if (hash == it->hashes[page]) continue;
    ++*changed;
    if (!sends) continue;
    it->hashes[page] = hash;
    wire_pages(shared_objects + it->inode, page, here, 1);
  }
  return 0;
}

static int compare(struct object *it, int sends, uint64_t *changed) {
  struct stat about;
  if (fstat(it->fd, &about)) return -errno;
  uint64_t size = size_in(it, &about);
  if (size != it->size) {
    // It has changed; what its pages hold is compared once the destination knows the size.
    if (!sends) return ++*changed, 0;
    resize(it, size);
    wire_frame(word_object, shared_objects + it->inode, it->size, 0);
  }
  size_t done = 0;
  for (off_t at = 0; (uint64_t)at < it->size;) {
    off_t data = lseek(it->fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    off_t hole = data < 0 ? data : lseek(it->fd, data, SEEK_HOLE);
    if (hole < 0) return -errno;
    size_t first = data / PAGE, end = (hole + PAGE - 1) / PAGE;
    if (end > it->pages) end = it->pages;
    clear(it, done, first, sends, changed);
    for (size_t page = first; page < end; page += PIECE_PAGES) {
      int error = compare_piece(it, page, end - page < PIECE_PAGES ? end : page + PIECE_PAGES, sends, changed);
      if (error) return error;
    }
    done = end;
    at = hole;
  }
  clear(it, done, it->pages, sends, changed);
  return 0;
}

static int compare_all(int sends, uint64_t *changed) {
  int error = 0;
  *changed = 0;
  for (size_t i = count; i-- > 0;)
    if (!all[i].is_used && sends) drop(&all[i]);
  for (size_t i = 0; i < count && !error; i++) error = compare(&all[i], sends, changed);
  return error;
}

int objects_send(uint64_t *pages) { return compare_all(1, pages); }

int objects_count(uint64_t *pages) { return compare_all(0, pages); }

void objects_send_hashes(uint64_t *pages_sent) {
  for (size_t i = 0; i < count; i++) {
    *pages_sent += all[i].pages;
    for (size_t page = 0; page < all[i].pages; page += most_pages) {
      size_t pages = all[i].pages - page < most_pages ? all[i].pages - page : most_pages;
      wire_frame(word_hashes, shared_objects + all[i].inode, page, pages);
      blocks_write(all[i].hashes + page, pages * sizeof *all[i].hashes);
    }
  }
}

int objects_list(const char *path) {
  FILE *file = fopen(path, "we");
  if (!file) return -errno;
  for (size_t i = 0; i < count; i++)
    if (all[i].is_used) fprintf(file, "%ju:%ju\n", (uintmax_t)shared_device(), (uintmax_t)all[i].inode);
  return fclose(file) ? -errno : 0;
}
