#define _GNU_SOURCE
#include "../../ptrace/tracee.h"
#include "kernel.h"
#include "mappings.h"
#include "sharers.h"
#include "tracker.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

// A thread that waits in the kernel (state D) may take long to stop, and all others would stand still meanwhile.
enum { ENTRIES = 1 << 16, PATIENCE_MS = 100 };

// Bits of an entry of /proc/PID/pagemap. Below them: the frame, or, of a swapped page, its place in swap.
static const uint64_t marked = 1ull << 55, of_file = 1ull << 61, swapped = 1ull << 62, present = 1ull << 63, where = (1ull << 55) - 1;
enum { MARKER_TYPE = 31 };
static const long hugetlbfs = 0x958458f6;

/** Takes the marks from all pages, and protects them, so that the next write to each of them sets its mark again. */
static int clear_marks(pid_t pid) {
  int fd = open_proc(pid, "clear_refs", O_WRONLY);
  if (fd < 0) return fd;
  int error = write(fd, "4", 1) == 1 ? 0 : -errno;
  close(fd);
  return error;
}

static uint64_t entry_of(const volatile char *page) {
  uint64_t entry = 0;
  int pagemap = open_proc(getpid(), "pagemap", O_RDONLY);
  if (pagemap < 0) return 0;
  if (pread(pagemap, &entry, sizeof entry, (uintptr_t)page / PAGE * sizeof entry) != sizeof entry) entry = 0;
  close(pagemap);
  return entry;
}

// The frame that stands for all pages that were only read; 0 where it is not known.
static uint64_t zero_frame;

/** Tries it on a page of its own. Frames must be shown too, which takes CAP_SYS_ADMIN. */
static int try(void) {
  volatile char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return -errno;
  (void)page[0];
  zero_frame = entry_of(page) & where;
  page[0] = 1;
  int error = clear_marks(getpid());
  uint64_t cleared = entry_of(page);
  page[0] = 2;
  uint64_t written = entry_of(page);
  munmap((void *)page, PAGE);
  return error ? error : !(cleared & marked) && written & marked && written & where ? 0 : -ENOTSUP;
}

static int check(void) {
  static int known, error;
  if (!known) error = try();
  known = 1;
  return error;
}

/** The process clears its marks itself, as some garbage collectors do: it must not lose them, nor we. */
static int uses_marks(pid_t pid) { return has_open(pid, "/clear_refs"); }

static int begin(struct tracked *it) {
  int error = check();
  if (error) return error;
  if (uses_marks(it->pid) || shares_memory(it->pid)) return -EBUSY;
  // Nothing of it was sent, so it need not stand still.
  error = clear_marks(it->pid);
  it->has_marks = !error;
  return error;
}

/** The kernel sets no marks on huge pages of hugetlbfs. */
static int is_huge(pid_t pid, const struct mapping *of) {
  char name[64], path[96];
  struct statfs about;
  if (!of->is_file) return 0;
  snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, of->start, of->end);
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return statfs(path, &about) || about.f_type == hugetlbfs;
}

/** Whether a page is populated, and the process's own. */
static int is_own(const struct mapping *of, uint64_t entry) {
  if (!(entry & (present | swapped)) || (of->is_file && entry & of_file)) return 0;
  if (entry & present) return !zero_frame || (entry & where) != zero_frame;
  return (entry & MARKER_TYPE) != MARKER_TYPE;
}

/** The place of a page that is populated, as `copy_see_at` notes it. */
static uint32_t place_of(uint64_t entry) {
  uint64_t place = (entry & where) ^ (entry & swapped ? ~0ull : 0);
  return place ^ place >> 32;
}

/**
 * Looks through one mapping. A page that is kept in another place than before is another page, whatever its mark says: mremap moves page
 * tables without setting marks, and a page that was only read since it was discarded has none.
 */
static int look_at(struct tracked *it, const struct mapping *of, int pagemap, enum look look) {
  static uint64_t entries[ENTRIES];
  int is_written = !it->has_marks || is_huge(it->pid, of);
  for (uint64_t page = of->start / PAGE, end = of->end / PAGE; page < end;) {
    size_t wanted = end - page < ENTRIES ? end - page : ENTRIES;
    ssize_t read = pread(pagemap, entries, wanted * sizeof *entries, (off_t)(page * sizeof *entries));
    // Nothing comes where the memory is gone: the process has ended.
    if (read <= 0) return read ? -errno : -ESRCH;
    size_t count = read / sizeof *entries;
    for (size_t i = 0; i < count; i++) {
      uint64_t entry = entries[i];
      if (is_own(of, entry)) copy_see_at(&it->copy, page + i, place_of(entry), is_written || entry & marked, look != TO_COUNT);
    }
    page += count;
  }
  return 0;
}

static int look_at_all(struct tracked *it, enum look look) {
  struct mapping *mappings;
  int pagemap = open_proc(it->pid, "pagemap", O_RDONLY), error = 0;
  if (pagemap < 0) return pagemap;
  long count = read_mappings(it->pid, &mappings);
  for (long i = 0; i < count && !error; i++) error = look_at(it, &mappings[i], pagemap, look);
  free(mappings);
  close(pagemap);
  return count < 0 ? count : error;
}

struct visit {
  struct tracked *it;
  int error;
};

/**
 * Nobody may write between the look at the marks and their end, so the process stands still. Where it cannot be stopped, its marks stay:
 * the next round gives again what this one gives.
 */
static void look_and_clear(void *of) {
  struct visit *visit = of;
  struct tracked *it = visit->it;
  struct tracee tracee;
  int is_stopped = !tracee_stop(&tracee, it->pid, PATIENCE_MS);
  if (shares_memory(it->pid) || uses_marks(it->pid)) it->has_marks = 0;
  visit->error = look_at_all(it, FOR_A_ROUND);
  if (!visit->error && is_stopped && it->has_marks) clear_marks(it->pid);
  tracee_release(&tracee);
}

static int look(struct tracked *it, enum look why) {
  if (why != FOR_A_ROUND || !it->has_marks) return look_at_all(it, why);
  struct visit visit = {.it = it};
  int error = tracee_apart(look_and_clear, &visit);
  return error ? error : visit.error;
}

static int is_unwritten(const struct tracked *it, uint64_t page, uint64_t entry) {
  return entry & present && !(entry & marked) && copy_is_at(&it->copy, page, place_of(entry));
}

static uint64_t unwritten(const struct tracked *it, int pagemap, uint64_t first, uint64_t end) {
  static uint64_t entries[ENTRIES];
  size_t wanted = end - first < ENTRIES ? end - first : ENTRIES;
  if (!it->has_marks || pread(pagemap, entries, wanted * sizeof *entries, (off_t)(first * sizeof *entries)) != (ssize_t)(wanted * sizeof *entries))
    return first;
  uint64_t page = first;
  while (page < first + wanted && is_unwritten(it, page, entries[page - first])) page++;
  return page;
}

const struct way soft_dirty = {check, begin, look, unwritten};
