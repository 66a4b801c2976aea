/*
 * CRIU's tables of pages take what their used part needs. In a dump CRIU has a table of 16 bytes, and one of 24, for each page of address
 * space that a process has mapped, whether it is in use or not. It copies all of the first one into memory that it shares with the process:
 * a mapping of 256 GiB took 9 s under the freeze, and for one of terabytes there was no memory. Here a large table is a mapping that
 * reserves nothing, and of a copy only those pages are copied that CRIU has written to. The others are zeros, and nobody reads them.
 */
#define _GNU_SOURCE
#include "../memory/tracking/kernel.h"
#include "criu.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/** Tables below this cost less than what is done for large ones. More of them than these CRIU never has at a time. */
enum { LARGE = 256 << 10, MOST = 64 };

static struct table {
  char *start;
  size_t bytes;
} tables[MOST];

// Of libc itself.
extern void *__libc_malloc(size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void __libc_free(void *memory);

static struct table *table_at(const void *memory) {
  if (!is_dump || !memory || (uintptr_t)memory % PAGE) return NULL;
  for (struct table *table = tables; table < tables + MOST; table++)
    if (table->start == memory) return table;
  return NULL;
}

EXPORT void *malloc(size_t size) {
  struct table *table = tables;
  while (is_dump && size >= LARGE && table < tables + MOST && table->start) table++;
  if (!is_dump || size < LARGE || table == tables + MOST) return __libc_malloc(size);
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    errno = ENOMEM;
    return NULL;
  }
  *table = (struct table){memory, size};
  return memory;
}

EXPORT void free(void *memory) {
  struct table *table = table_at(memory);
  if (!table) return __libc_free(memory);
  munmap(table->start, table->bytes);
  table->start = NULL;
}

EXPORT void *realloc(void *memory, size_t size) {
  struct table *table = table_at(memory);
  if (!table) return __libc_realloc(memory, size);
  void *larger = malloc(size);
  if (!larger) return NULL;
  memmove(larger, memory, size < table->bytes ? size : table->bytes);
  free(memory);
  return larger;
}

/** Copies what was written to of a table. @returns false where the kernel does not say what that is */
static bool copy_written(char *to, const struct table *table, size_t bytes) {
  uint64_t start = (uintptr_t)table->start, end = start + ((bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1));
  struct region regions[64];
  int pagemap = open_proc(getpid(), "pagemap", O_RDONLY);
  long found = pagemap < 0 ? -1 : 0;
  for (uint64_t at = start; at < end && found >= 0;) {
    found = scan(pagemap, LOOK, at, end, regions, sizeof regions / sizeof *regions, &at);
    for (long i = 0; i < found; i++) {
      uint64_t from = regions[i].start - start, upto = regions[i].end - start;
      memmove(to + from, table->start + from, (upto < bytes ? upto : bytes) - from);
    }
  }
  if (pagemap >= 0) close(pagemap);
  return found >= 0;
}

/** Not called by its name: a compiler may take memcpy for it, which is here. */
static void *(*const volatile move)(void *, const void *, size_t) = memmove;

EXPORT void *memcpy(void *to, const void *from, size_t bytes) {
  struct table *table = bytes < LARGE ? NULL : table_at(from);
  if (!table || bytes > table->bytes || !copy_written(to, table, bytes)) move(to, from, bytes);
  return to;
}
