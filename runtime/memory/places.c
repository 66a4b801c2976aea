#define _GNU_SOURCE
#include "places.h"
#include "fail.h"
#include "hash.h"
#include "tracking/kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder;
static int has_memfds;
static struct place *all;
static size_t count;

void places_begin(const char *at, int with_memfds) {
  folder = at;
  has_memfds = with_memfds;
}

struct place *place_find(uint64_t task) {
  for (size_t i = 0; i < count; i++)
    if (all[i].task == task) return &all[i];
  return NULL;
}

static struct place *add(uint64_t task, int fd) {
  if (fd < 0) fail("a place for memory");
  struct place *more = realloc(all, (count + 1) * sizeof *more);
  if (!more) fail("a place for memory");
  all = more;
  all[count] = (struct place){.task = task, .fd = fd};
  return &all[count++];
}

static int make_file(uint64_t number, const char *kind) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%" PRIu64 ".%s", folder, number, kind);
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/** A process has a sparse file, in which each page lies at its own address. */
static struct place *place_of(uint64_t task) {
  struct place *known = place_find(task);
  if (known) return known;
  if (task >= shared_objects) {
    errno = EPROTO;
    fail("memory of an object that was not declared");
  }
  return add(task, make_file(task, "memory"));
}

void place_object(uint64_t task, uint64_t size, const char *name) {
  struct place *it = place_find(task);
  // The restore adds the seal against seals where the original had it.
  if (!it) it = add(task, has_memfds ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : make_file(task - shared_objects, "object"));
  struct stat before;
  if (fstat(it->fd, &before) || ftruncate(it->fd, (off_t)size)) fail("shared memory");
  // What it loses at its end is a hole if it grows again.
  uint64_t pages = (size + PAGE - 1) / PAGE, had = ((uint64_t)before.st_size + PAGE - 1) / PAGE;
  if (pages < had) charges_forget(&it->charges, pages, had);
}

void place_pages(const struct frame *frame, const char *bytes) {
  struct place *it = place_of(frame->task);
  size_t left = (size_t)frame->count * PAGE;
  off_t at = (off_t)(frame->first * PAGE);
  struct stat about;
  // The last page of an object may lie beyond its end.
  if (it->task >= shared_objects && !fstat(it->fd, &about) && at + (off_t)left > about.st_size) left = at < about.st_size ? about.st_size - at : 0;
  while (left > 0) {
    ssize_t written = pwrite(it->fd, bytes, left, at);
    if (written < 0 && errno != EINTR) fail("memory");
    if (written <= 0) continue;
    bytes += written;
    left -= (size_t)written;
    at += written;
  }
  if (it->task >= shared_objects) charges_note(&it->charges, frame->first, frame->first + frame->count);
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

/** Zeros are holes. */
void place_zeros(const struct frame *frame) {
  struct place *it = place_of(frame->task);
  off_t at = (off_t)(frame->first * PAGE), length = (off_t)frame->count * PAGE;
  off_t data = lseek(it->fd, at, SEEK_DATA);
  if (data >= 0 && data < at + length) {
    if (fallocate(it->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length)) fail("memory");
    charges_forget(&it->charges, frame->first, frame->first + frame->count);
  }
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

/** What is there must be what the source has. */
void place_compare(const struct frame *frame, const char *hashes) {
  const struct place *it = place_of(frame->task);
  for (uint64_t i = 0; i < frame->count; i++) {
    char page[PAGE] = {0}, what[64];
    uint64_t hash;
    memcpy(&hash, hashes + i * sizeof hash, sizeof hash);
    if (pread(it->fd, page, PAGE, (off_t)((frame->first + i) * PAGE)) < 0) fail("memory");
    if (page_hash(page) == hash) continue;
    snprintf(what, sizeof what, "page %" PRIx64 " of %s %" PRIu64, frame->first + i, it->task < shared_objects ? "process" : "object",
             it->task & (shared_objects - 1));
    errno = EBADMSG;
    fail(what);
  }
}

/** What is there of these pages is old. */
void place_give_up(const struct frame *frame) {
  place_zeros(frame);
  copy_forget(&place_of(frame->task)->told, frame->first, frame->first + frame->count);
}

int places_charge(const char *cgroup) {
  struct charged_object objects[count + 1];
  int there = 0;
  for (size_t i = 0; i < count; i++)
    if (all[i].task >= shared_objects) objects[there++] = (struct charged_object){all[i].fd, &all[i].charges};
  int error = charge(cgroup, objects, there);
  if (error != -EIO) return error;
  errno = EIO;
  fail("shared memory was lost while the container was charged with it");
}
