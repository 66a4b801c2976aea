/*
 * Pages that several processes shared by copy-on-write are shared again after a restore. CRIU makes the private mappings of a process,
 * one after another, before it forks the children of that process, and moves them to their addresses later. In a lazy restore it leaves
 * them empty. Here the pages that children share are put into their parent at that moment. A child takes the parent's mapping, and gives
 * up what it does not share. src/host/criu/restore/inheritance.ts writes which pages those are.
 *
 * A page that is not there is missing, and follows lazily. So whatever fails here costs memory only, except one thing: a child must not
 * keep pages of its parent that it does not share. What it has not given up ends the restore.
 */
#define _GNU_SOURCE
#include "inherit.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, MOST_BYTES = 1 << 20 };

struct run {
  uint64_t first, count;
  // Of a run that is filled: where its first page is, in bytes.
  char file[64];
  uint64_t offset;
};

struct mapping {
  uint64_t first, count;
  enum { not_made, whole, lazy } kind;  // Not made together with the others; not lazy: CRIU brings all of it; with missing pages.
  int protection, flags;
  char *at;  // NULL until CRIU has made it, and when a child has taken it.
};

struct plan {
  int task, parent;
  struct mapping *mappings;
  struct run *keeps, *fills;
  size_t mapping_count, keep_count, fill_count;
  // Where CRIU collects them; the next mapping that it makes, and where.
  char *start;
  size_t bytes, next;
  char *next_at;
};

/** That of the process, and that of the parent, from which it was forked with all that is here. */
static struct plan own, parents;
static int folder = -1;
/** Where CRIU collects the mappings of a process. */
static char *reserved;
static size_t reserved_bytes;

/** A process that could keep wrong pages ends, and the restore with it. */
static void give_up_pages(char *at, uint64_t pages) {
  static const char why[] = "godwit-criu: pages of the parent cannot be given up\n";
  if (pages == 0 || !madvise(at, pages * PAGE, MADV_DONTNEED)) return;
  syscall(SYS_exit_group, syscall(SYS_write, STDERR_FILENO, why, sizeof why - 1) ? 1 : 2);
}

static void *more(void *list, size_t count, size_t bytes) {
  if (count & (count - 1)) return list;
  return realloc(list, (count ? count * 2 : 1) * bytes);
}

/** @returns whether the line was understood */
static bool take_line(struct plan *plan, const char *line) {
  struct run run = {0};
  struct mapping one = {0};
  unsigned kind;
  if (sscanf(line, "parent %d", &plan->parent) == 1) return true;
  if (sscanf(line, "keep %" SCNu64 " %" SCNu64, &run.first, &run.count) == 2) {
    if (!(plan->keeps = more(plan->keeps, plan->keep_count, sizeof run))) return false;
    plan->keeps[plan->keep_count++] = run;
    return true;
  }
  if (sscanf(line, "fill %" SCNu64 " %" SCNu64 " %63s %" SCNu64, &run.first, &run.count, run.file, &run.offset) == 4) {
    if (!(plan->fills = more(plan->fills, plan->fill_count, sizeof run))) return false;
    plan->fills[plan->fill_count++] = run;
    return true;
  }
  if (sscanf(line, "vma %" SCNu64 " %" SCNu64 " %d %d %u", &one.first, &one.count, &one.protection, &one.flags, &kind) != 5) return false;
  one.kind = kind;
  if (!(plan->mappings = more(plan->mappings, plan->mapping_count, sizeof one))) return false;
  plan->mappings[plan->mapping_count++] = one;
  return true;
}

static void read_plan(struct plan *plan, int images) {
  char name[32], line[256];
  snprintf(name, sizeof name, "inherit-%d", plan->task);
  int fd = (int)syscall(SYS_openat, images, name, O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  bool is_whole = file != NULL;
  while (is_whole && fgets(line, sizeof line, file)) is_whole = take_line(plan, line);
  if (file) fclose(file);
  else if (fd >= 0) close(fd);
  size_t bytes = 0;
  for (size_t i = 0; i < plan->mapping_count; i++) bytes += plan->mappings[i].count * PAGE;
  // Without a plan that can be followed, nothing is kept and nothing is filled.
  if (!is_whole || bytes != reserved_bytes) plan->mapping_count = plan->keep_count = plan->fill_count = 0;
  plan->start = plan->next_at = reserved;
  plan->bytes = reserved_bytes;
}

void inherit_reserved(void *at, size_t length) {
  reserved = at;
  reserved_bytes = length;
}

void inherit_begin(int images, const char *pagemap) {
  int task;
  char end[8];
  if (sscanf(pagemap, "pagemap-%d.%4s", &task, end) != 2 || task == own.task || task != (int)syscall(SYS_getpid)) return;
  char name[32];
  snprintf(name, sizeof name, "inherit-%d", task);
  if (own.task == 0 && faccessat(images, name, R_OK, 0)) return;
  parents = own;
  own = (struct plan){.task = task};
  read_plan(&own, images);
  folder = images;
  // A huge page would fill the holes between pages with zeros. CRIU sets this at the end as it was, when the holes are registered.
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)) own.fill_count = own.keep_count = 0;
}

/** The first run that ends behind this page. */
static size_t from(const struct run *runs, size_t count, uint64_t page) {
  size_t low = 0;
  while (low < count) {
    size_t middle = (low + count) / 2;
    if (runs[middle].first + runs[middle].count <= page) low = middle + 1;
    else count = middle;
  }
  return low;
}

static void keep_only(const struct mapping *it) {
  uint64_t at = it->first, end = at + it->count;
  bool is_parents = parents.task == own.parent;
  for (size_t i = from(own.keeps, own.keep_count, at); is_parents && i < own.keep_count && own.keeps[i].first < end; i++) {
    const struct run *keep = &own.keeps[i];
    if (keep->first > at) give_up_pages(it->at + (at - it->first) * PAGE, keep->first - at);
    at = keep->first + keep->count;
  }
  if (at < end) give_up_pages(it->at + (at - it->first) * PAGE, end - at);
}

/** In the kernel, so that the process has no page fault for each of them. @returns whether it could */
static bool fill_pages(int file, uint64_t offset, char *at, uint64_t pages) {
  static char *bytes;
  if (!bytes) bytes = mmap(NULL, MOST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (bytes == MAP_FAILED) return false;
  for (size_t left = pages * PAGE, part; left > 0; left -= part, at += part, offset += part) {
    part = left < MOST_BYTES ? left : MOST_BYTES;
    struct iovec of = {bytes, part}, to = {at, part};
    if (pread(file, bytes, part, (off_t)offset) != (ssize_t)part) return false;
    if (syscall(SYS_process_vm_writev, syscall(SYS_getpid), &of, 1, &to, 1, 0) == (long)part) continue;
    give_up_pages(at, part / PAGE);
    return false;
  }
  return true;
}

static void fill(const struct mapping *it) {
  uint64_t end = it->first + it->count;
  for (size_t i = from(own.fills, own.fill_count, it->first); i < own.fill_count && own.fills[i].first < end; i++) {
    const struct run *run = &own.fills[i];
    uint64_t first = run->first > it->first ? run->first : it->first;
    uint64_t last = run->first + run->count < end ? run->first + run->count : end;
    int file = (int)syscall(SYS_openat, folder, run->file, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    uint64_t offset = run->offset + (first - run->first) * PAGE;
    bool is_filled = fill_pages(file, offset, it->at + (first - it->first) * PAGE, last - first);
    close(file);
    if (!is_filled) return;
  }
}

/** The mapping of the process that CRIU has made here; NULL where it is not as planned. */
static struct mapping *next_mapping(char *at, size_t length) {
  if (own.task != (int)syscall(SYS_getpid)) return NULL;
  while (own.next < own.mapping_count && own.mappings[own.next].kind == not_made) own.next++;
  struct mapping *it = own.next < own.mapping_count ? &own.mappings[own.next] : NULL;
  if (!it || it->count * PAGE != length || at != own.next_at) return NULL;
  it->at = at;
  own.next++;
  own.next_at = at + length;
  return it;
}

/** The mapping of the parent with this address; NULL where a child has taken it. */
static struct mapping *parents_mapping_at(const char *at) {
  for (size_t i = 0; i < parents.next; i++)
    if (parents.mappings[i].at == at) return &parents.mappings[i];
  return NULL;
}

/**
 * Takes what the parent has at the addresses of a mapping. One of them may have grown since the fork, at its end, and that of the parent
 * also at its beginning. The kernel lets no mapping of a child grow at its beginning. @returns whether it could
 */
static bool take_parents(const struct mapping *it, size_t length) {
  for (size_t i = 0; i < parents.next; i++) {
    const struct mapping *from = &parents.mappings[i];
    if (!from->at || it->first < from->first || it->first >= from->first + from->count) continue;
    if (from->kind != lazy || from->protection != it->protection || from->flags != it->flags) return false;
    uint64_t before = it->first - from->first, there = from->count - before < it->count ? from->count - before : it->count;
    return (char *)syscall(SYS_mremap, from->at + before * PAGE, there * PAGE, length, MREMAP_MAYMOVE | MREMAP_FIXED, it->at) == it->at;
  }
  return false;
}

void inherit_mapped(void *at, size_t length, int protection, int flags) {
  struct mapping *it = own.task ? next_mapping(at, length) : NULL;
  if (!it || it->kind != lazy || (it->protection | PROT_WRITE) != protection || (it->flags | MAP_FIXED) != flags) return;
  // CRIU takes the parent's mapping itself where both begin and end together.
  if (own.keep_count && take_parents(it, length)) keep_only(it);
  fill(it);
}

void inherit_moved(char *from, char *at, size_t length) {
  // CRIU moves other memory as well, also from where the parent's was.
  if (at < reserved || at >= reserved + reserved_bytes) return;
  const struct plan *up = own.task == (int)syscall(SYS_getpid) ? &parents : &own;
  if (up->task == 0 || from < up->start || from >= up->start + up->bytes) return;
  struct mapping *it = next_mapping(at, length), *of = up == &parents ? parents_mapping_at(from) : NULL;
  // What CRIU restores itself it compares itself.
  if (of && of->kind != lazy) return;
  if (!it || !of || it->first != of->first || it->kind != lazy) return give_up_pages(at, length / PAGE);
  of->at = NULL;
  keep_only(it);
  fill(it);
}
