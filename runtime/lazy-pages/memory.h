// The memories of the restored processes, which the kernel gives by userfaultfds, and the pages that go into them.
#pragma once
#include "pieces.h"

// A thread that waits for a page.
struct fault {
  size_t space;
  uint64_t page;
  bool over;  // It waits no more.
};

// All memories. An entry keeps its index for ever.
extern struct space *spaces;
extern size_t space_count;
// Faults that are not served yet.
extern struct fault *faults;
extern size_t fault_count;

// Adds the memory of a task. All of its dumped pages are missing.
void add_space(int fd, struct task *task);
// Reads the kernel's events of a memory: it stores faults in `faults`, and follows changes of mappings. Never waits.
void read_events(size_t space);
// Threads that wait for these pages, in present numbers, look again.
void wake(const struct space *space, uint64_t first, uint64_t count);
// Asks for something that changes nothing: no page of a restored memory can be write-protected. Returns an errno: ESRCH where no process
// has this memory any more, EAGAIN where a change is still to be told. The memory has pieces.
int ask(const struct space *space);
// Closes a memory that has all its pages, or whose process has ended.
void release(struct space *space);
