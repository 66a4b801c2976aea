// When the restored processes run again: not with the restore alone, because what a process touches first is not there yet.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// The first pages that a process waits for, one after another.
struct entry {
  uint64_t served_ns;  // When the last one of them came; 0 before.
  int pages;
  bool over;           // It has run without missing a page, or missed none.
};

// From now on the processes run.
void begin_entries(void);
// A thread waits for a page.
void note_fault(struct entry *entry);
// A page that a thread waited for is there.
void note_served(struct entry *entry);
// Leaves in the file `entered` when the last process had its first pages, in ns of CLOCK_MONOTONIC; nothing where none waited.
void write_entries(void);
