#define _GNU_SOURCE
#include "places.h"
#include "fail.h"
#include "hash.h"
#include "same.h"
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
static struct places all;

void places_begin(const char *at, int with_memfds) {
  folder = at;
  has_memfds = with_memfds;
}

struct place *places_find(const struct places *of, uint64_t task) {
  for (size_t i = 0; i < of->count; i++)
    if (of->list[i].task == task) return &of->list[i];
  return NULL;
}

struct place *place_find(uint64_t task) { return places_find(&all, task); }

static struct place *add(uint64_t task, int fd) {
  if (fd < 0) fail("a place for memory");
  struct place *more = realloc(all.list, (all.count + 1) * sizeof *more);
  if (!more) fail("a place for memory");
  all.list = more;
  more[all.count] = (struct place){.task = task, .fd = fd};
  return &more[all.count++];
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

/** The place of these pages, whose contents change now. */
static struct place *changing_place(const struct frame *frame) {
  struct place *it = place_of(frame->task);
  errno = -same_before_change(&all, it, frame->first, frame->first + frame->count);
  if (errno) fail("memory that is shared by copy-on-write");
  return it;
}

void place_pages(const struct frame *frame, const char *bytes) {
  struct place *it = changing_place(frame);
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
  struct place *it = changing_place(frame);
  off_t at = (off_t)(frame->first * PAGE), length = (off_t)frame->count * PAGE;
  struct stat file;
  // A hole behind the end of a file could not be read.
  if (it->task < shared_objects && !fstat(it->fd, &file) && file.st_size < at + length && ftruncate(it->fd, at + length)) fail("memory");
  off_t data = lseek(it->fd, at, SEEK_DATA);
  if (data >= 0 && data < at + length) {
    if (fallocate(it->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length)) fail("memory");
    charges_forget(&it->charges, frame->first, frame->first + frame->count);
  }
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

void place_same(const struct frame *frame) {
  place_zeros(frame);
  errno = -same_take(&all, place_of(frame->task), frame->first, frame->first + frame->count, frame->number);
  if (errno) fail("pages that are those of another process");
}

/** What is there must be what the source has. */
void place_compare(const struct frame *frame, const char *hashes) {
  const struct place *it = place_of(frame->task);
  for (uint64_t i = 0; i < frame->count; i++) {
    char page[PAGE], what[64];
    uint64_t hash;
    memcpy(&hash, hashes + i * sizeof hash, sizeof hash);
    if (same_read(&all, it, frame->first + i, page)) fail("memory");
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

void places_tell_same(const struct place *it, uint64_t first, uint64_t end, tell_same_pages *tell) {
  same_tell(&all, it, first, end, tell);
}

int places_charge(const char *cgroup) {
  struct charged_object objects[all.count + 1];
  int there = 0;
  for (size_t i = 0; i < all.count; i++)
    if (all.list[i].task >= shared_objects) objects[there++] = (struct charged_object){all.list[i].fd, &all.list[i].charges};
  int error = charge(cgroup, objects, there);
  if (error != -EIO) return error;
  errno = EIO;
  fail("shared memory was lost while the container was charged with it");
}
