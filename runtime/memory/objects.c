#define _GNU_SOURCE
#include "objects.h"
#include "tracking/kernel.h"
#include "hash.h"
#include "wire.h"
#include "wire/blocks.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
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

/** The name of a memfd; empty for an anonymous mapping. `path` is as in /proc/PID/maps. */
static const char *name_in(char *path) {
  static const char prefix[] = "/memfd:", suffix[] = " (deleted)";
  if (strncmp(path, prefix, sizeof prefix - 1)) return "";
  char *name = path + sizeof prefix - 1;
  size_t length = strlen(name), rest = sizeof suffix - 1;
  if (length >= rest && !strcmp(name + length - rest, suffix)) name[length - rest] = 0;
  return name;
}

/** Takes an object by a path below /proc that opens it, unless it is known. */
static int take(const char *link, char *path) {
  struct stat about;
  if (stat(link, &about)) return errno == ENOENT ? 0 : -errno;
  // Huge pages lie in a file system of their own, and CRIU keeps them apart as well.
  if (about.st_dev != shared_device()) return 0;
  struct object *it = find(about.st_ino);
  if (it) {
    it->is_used = 1;
    return 0;
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
  *it = (struct object){.inode = about.st_ino, .fd = fd, .is_used = 1};
  resize(it, about.st_size);
  declare(it, name_in(path));
  return 0;
}

void objects_begin(void) {
  for (size_t i = 0; i < count; i++) all[i].is_used = 0;
}

/** A memfd can be open without being mapped. */
static int open_objects_of(pid_t pid) {
  char folder[32], link[sizeof folder + NAME_MAX + 2], path[PATH_MAX];
  snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
  DIR *files = opendir(folder);
  int error = 0;
  if (!files) return errno == ENOENT || errno == ESRCH ? 0 : -errno;
  for (struct dirent *file; !error && (file = readdir(files));) {
    snprintf(link, sizeof link, "%s/%s", folder, file->d_name);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) continue;
    path[length] = 0;
    if (!strncmp(path, "/memfd:", 7)) error = take(link, path);
  }
  closedir(files);
  return error;
}

static int mapped_objects_of(pid_t pid) {
  char path[64], *line = NULL;
  size_t room = 0;
  int error = 0;
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "re");
  if (!maps) return errno == ENOENT || errno == ESRCH ? 0 : -errno;
  while (!error && getline(&line, &room, maps) > 0) {
    uint64_t start, end;
    char sharing, link[96];
    int name = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c %*x %*x:%*x %*u %n", &start, &end, &sharing, &name) < 3) continue;
    line[strcspn(line, "\n")] = 0;
    if (sharing != 's' || (strncmp(line + name, "/dev/zero", 9) && strncmp(line + name, "/memfd:", 7))) continue;
    snprintf(link, sizeof link, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, start, end);
    error = take(link, line + name);
  }
  free(line);
  fclose(maps);
  return error;
}

int objects_of(pid_t pid) {
  int error = mapped_objects_of(pid);
  return error ? error : open_objects_of(pid);
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

static int compare_piece(struct object *it, size_t first, size_t end, int sends, uint64_t *changed) {
  static char bytes[PIECE_PAGES * PAGE] __attribute__((aligned(PAGE)));
  ssize_t read = pread(it->fd, bytes, (end - first) * PAGE, (off_t)first * PAGE);
  if (read < 0) return -errno;
  // The end of the object lies within its last page.
  if ((size_t)read < (end - first) * PAGE) memset(bytes + read, 0, (end - first) * PAGE - read);
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
  if ((uint64_t)about.st_size != it->size) {
    // It has changed; what its pages hold is compared once the destination knows the size.
    if (!sends) return ++*changed, 0;
    resize(it, about.st_size);
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

void objects_send_hashes(void) {
  for (size_t i = 0; i < count; i++)
    for (size_t page = 0; page < all[i].pages; page += most_pages) {
      size_t pages = all[i].pages - page < most_pages ? all[i].pages - page : most_pages;
      wire_frame(word_hashes, shared_objects + all[i].inode, page, pages);
      blocks_write(all[i].hashes + page, pages * sizeof *all[i].hashes);
    }
}

int objects_list(const char *path) {
  FILE *file = fopen(path, "we");
  if (!file) return -errno;
  for (size_t i = 0; i < count; i++)
    if (all[i].is_used) fprintf(file, "%ju:%ju\n", (uintmax_t)shared_device(), (uintmax_t)all[i].inode);
  return fclose(file) ? -errno : 0;
}
