/*
 * The agent watches a dump, and can end it. A killed CRIU would leave its code in the processes. So one of its own calls fails instead,
 * and CRIU takes everything back by itself, as after any error. GODWIT_WATCH names a file that both have mapped (src/host/criu/dump/watch.ts).
 *
 * Only calls that read or write the contents of a dump fail. Those by which CRIU lets go of the processes do not.
 */
#define _GNU_SOURCE
#include "criu.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PAGEMAP_SCAN
#define PAGEMAP_SCAN _IOWR('f', 16, uint64_t[12])
#endif

/** As watch.ts reads and writes it. */
static volatile struct {
  uint32_t is_over, unused;
  /** Calls that could have failed, and bytes of memory that went into images. */
  uint64_t calls, bytes;
} *watch;

void watch_begin(void) {
  const char *path = getenv("GODWIT_WATCH");
  int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = (void *)syscall(SYS_mmap, NULL, sizeof *watch, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) watch = mapped;
  is_dump = true;
  close(fd);
}

bool watch_ends(void) {
  if (!watch) return false;
  watch->calls++;
  if (!watch->is_over) return false;
  errno = ECANCELED;
  return true;
}

/** CRIU asks so which pages a process has. */
EXPORT int ioctl(int fd, unsigned long request, ...) {
  va_list more;
  va_start(more, request);
  void *argument = va_arg(more, void *);
  va_end(more);
  if (request == PAGEMAP_SCAN && watch_ends()) return -1;
  return (int)syscall(SYS_ioctl, fd, request, argument);
}

/** On older kernels it asks so. */
EXPORT ssize_t pread64(int fd, void *into, size_t count, off64_t offset) {
  return watch_ends() ? -1 : syscall(SYS_pread64, fd, into, count, offset);
}
EXPORT ssize_t pread(int fd, void *into, size_t count, off_t offset) { return pread64(fd, into, count, offset); }

/** Memory goes so from the processes into an image. */
EXPORT ssize_t splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t count, unsigned flags) {
  if (watch_ends()) return -1;
  ssize_t moved = syscall(SYS_splice, from, from_offset, to, to_offset, count, flags);
  if (moved > 0 && watch) watch->bytes += (uint64_t)moved;
  return moved;
}
