// The memories of the restored processes, as the kernel shows them, and how pages get there.
#pragma once
#include "pieces.h"

// A thread that waits for a page.
struct fault {
  size_t space;
  uint64_t page;
};

// All of them; entries keep their number for good.
extern struct space *spaces;
extern size_t space_count;
// Faults that nobody has looked at yet.
extern struct fault *faults;
extern size_t fault_count;

// A memory in which everything that was dumped of the task is missing.
void add_space(int fd, struct task *task);
// Takes what the kernel tells of a memory: faults are put aside, changes are followed. Never waits.
void read_events(size_t space);
// Puts pages, numbered as they were dumped, into a memory, except those that are there; without bytes they hold zeros.
void fill(size_t space, uint64_t first, uint64_t count, const char *bytes);
// A page that nothing is known of: what was never written reads as zeros.
void zero(size_t space, uint64_t page);
// Lets go of a memory that has everything, or has gone.
void release(struct space *space);
