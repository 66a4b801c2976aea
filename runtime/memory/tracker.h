// Follows which pages of a process change, so that its memory can be copied in rounds while it runs.
#pragma once
#include "copy.h"
#include <sys/types.h>

struct tracked {
  pid_t pid;
  // Its userfaultfd; negative where it has none. Then every round gives all of its memory.
  int uffd;
  struct copy copy;
};

// Begins to track a running process, which stops for about a millisecond. 0, or a negative errno: EPERM where somebody else traces it,
// EMFILE where it may not open a file, ETIMEDOUT where it does not stop or is frozen.
int track(struct tracked *it, pid_t pid);

// Gives what has changed since the round before. In the last round, `is_frozen`, the memory is not protected again. 0, or a negative
// errno: ESRCH where the process has ended.
int track_round(struct tracked *it, int is_frozen, int (*give)(const struct run *));

// Ends the tracking: the kernel takes all protection away.
void track_end(struct tracked *it);
