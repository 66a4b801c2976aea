// Follows which pages of a process change, so that its memory can be copied in rounds while it runs.
#pragma once
#include "copy.h"
#include <sys/types.h>

struct tracked {
  pid_t pid;
  // Its userfaultfd; negative where it has none. Then every round gives all of its memory.
  int uffd;
  // Devices may have written into its memory since it is looked at: it is never tracked.
  int is_pinned;
  struct copy copy;
};

// Begins to track a running process, which stops for about a millisecond. 0, or a negative errno: EPERM where somebody else traces it,
// EBUSY where devices write into its memory, EMFILE where it may not open a file, ETIMEDOUT where it does not stop or is frozen.
int track(struct tracked *it, pid_t pid);

// Gives what has changed since the round before. In the last round, `is_frozen`, the memory is not protected again. 0, or a negative
// errno: ENOENT where the process has ended.
int track_round(struct tracked *it, int is_frozen, give_run *give, void *to);

// How many pages a round would give to be sent now. Changes nothing. As `track_round`.
int track_count(struct tracked *it, uint64_t *pages);

// Whether this kernel can do it: 0, or a negative errno.
int track_check(void);

// Ends the tracking: the kernel takes all protection away.
void track_end(struct tracked *it);
