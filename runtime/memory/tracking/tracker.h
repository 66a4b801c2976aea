// Follows which pages of a process change, so that its memory can be copied in rounds while it runs.
#pragma once
#include "copy.h"
#include <stdint.h>
#include <sys/types.h>

struct tracked {
  pid_t pid;
  // By PAGEMAP_SCAN: its userfaultfd; negative where it has none.
  int uffd;
  // By soft-dirty: its marks were cleared, and tell what was written since. Without either, every round gives all of its memory.
  int has_marks;
  // Devices may have written into its memory since it is looked at: it is never tracked.
  int is_pinned;
  struct copy copy;
};

// Why a process is looked at: to count, which changes nothing, for a round while it runs, or for the last one, while it stands still.
enum look { TO_COUNT, FOR_A_ROUND, FOR_THE_LAST };

// A way to follow pages. Its functions return 0, or a negative errno.
struct way {
  // Whether this kernel has it.
  int (*check)(void);
  int (*begin)(struct tracked *it);
  // Tells `it->copy` what is populated, and what was written since the round before.
  int (*look)(struct tracked *it, enum look look);
  // See track_unwritten.
  uint64_t (*unwritten)(const struct tracked *it, int pagemap, uint64_t first, uint64_t end);
};

// PAGEMAP_SCAN: Linux 6.7 and later.
extern const struct way page_scan;
// The marks of CONFIG_MEM_SOFT_DIRTY. It looks on every kernel; without the marks it follows nothing.
extern const struct way soft_dirty;

// What a kernel has, in the answer of `track_check`.
enum { HAS_PAGE_SCAN = 1, HAS_SOFT_DIRTY = 2 };

// Begins to track a running process, which stops for about a millisecond. 0, or a negative errno: EPERM where somebody else traces it,
// EBUSY where devices write into its memory, or where somebody else uses its marks or its memory, EMFILE where it may not open a file,
// ETIMEDOUT where it does not stop or is frozen, ENOTSUP where this kernel follows nothing.
int track(struct tracked *it, pid_t pid);

// Gives what has changed since the round before. In the last round, `is_frozen`, tracking does not go on. 0, or a negative errno:
// ENOENT or ESRCH where the process has ended.
int track_round(struct tracked *it, int is_frozen, give_run *give, void *to);

// How many pages a round would give to be sent now. Changes nothing. As `track_round`.
int track_count(struct tracked *it, uint64_t *pages);

// The first of these pages that may have been written since the round before; `end` where none was. `pagemap` is an open /proc/PID/pagemap.
uint64_t track_unwritten(const struct tracked *it, int pagemap, uint64_t first, uint64_t end);

// What this kernel has.
uint64_t track_check(void);

// Ends the tracking: the kernel takes all protection away.
void track_end(struct tracked *it);
