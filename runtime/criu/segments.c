/* System V segments in a restore: CRIU makes and attaches each of them, and then it is filled from the object that has its contents. */
#define _GNU_SOURCE
#include "segments.h"
#include "criu.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/** The System V segment that CRIU has attached, to fill it. */
static struct {
  int id;
  char *at;
} attached = {.id = -1};

EXPORT void *shmat(int id, const void *wanted, int flags) {
  void *at = (void *)syscall(SYS_shmat, id, wanted, flags);
  if (at != (void *)-1) {
    attached.id = id;
    attached.at = at;
  }
  return at;
}

EXPORT int shmdt(const void *at) {
  attached.id = -1;
  return (int)syscall(SYS_shmdt, at);
}

/** The file of the attached segment, or -1: only its mapping tells which it is. */
static int open_segment(size_t length) {
  char path[96];
  snprintf(path, sizeof path, "/proc/self/map_files/%" PRIxPTR "-%" PRIxPTR, (uintptr_t)attached.at, (uintptr_t)attached.at + length);
  return (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
}

/** Copies bytes to the segment by its file, which costs no page fault for each page. The file ends within the last page, at `size`. */
static ssize_t copy_some(int object, int segment, off_t at, off_t end, off_t size) {
  static char bytes[1 << 18];
  if (segment < 0 || at >= size) return pread(object, attached.at + at, (size_t)(end - at), at);
  if (end > size) end = size;
  ssize_t there = pread(object, bytes, (size_t)(end - at) < sizeof bytes ? (size_t)(end - at) : sizeof bytes, at);
  return there > 0 ? pwrite(segment, bytes, (size_t)there, at) : there;
}

/** Moves the bytes of an object to the segment, piece by piece: the kernel makes segments itself, and takes no memfd for one. */
static bool move_pages(int object, int segment, off_t length, off_t size) {
  enum { piece = 1 << 20 };
  for (off_t at = 0; (at = syscall(SYS_lseek, object, at, SEEK_DATA)) >= 0;) {
    off_t hole = syscall(SYS_lseek, object, at, SEEK_HOLE);
    off_t end = hole > at + piece ? at + piece : hole;
    if (hole < 0 || end > length) return false;
    for (off_t next = at; next < end;) {
      ssize_t copied = copy_some(object, segment, next, end, size);
      if (copied <= 0) return false;
      next += copied;
    }
    // Memory must not be needed twice.
    if (fallocate(object, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, end - at)) return false;
    at = end;
  }
  return errno == ENXIO;
}

bool segment_is_attached(uint64_t id) { return attached.id >= 0 && (uint64_t)attached.id == id; }

bool segment_fill(int object) {
  struct shmid_ds about_segment;
  struct stat about_object;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (object < 0 || syscall(SYS_shmctl, attached.id, IPC_STAT, &about_segment) || syscall(SYS_fstat, object, &about_object)) return false;
  size_t size = about_segment.shm_segsz, length = (size + page - 1) / page * page;
  int segment = open_segment(length);
  bool fits = (size_t)about_object.st_size == length && move_pages(object, segment, (off_t)length, (off_t)size);
  if (segment >= 0) close(segment);
  close(object);
  return fits;
}
