// Measures when the restored processes run again. That is later than the end of the restore, because the pages that a process touches
// first are missing.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// The first pages that a process waits for, one after another.
struct entry {
  uint64_t served_ns;  // When the last one of them came, in ns of CLOCK_MONOTONIC; 0 before.
  int pages;
  bool over;           // The entry is over: the process runs without missing a page, or has had most_pages_of_entry.
};

// From now on the processes run.
void begin_entries(void);
// A thread waits for a page.
void note_fault(struct entry *entry);
// A page that a thread waited for is there.
void note_served(struct entry *entry);
// Writes the file `entered`: when the last process had its first pages, in ns of CLOCK_MONOTONIC. No file where no process waited.
void write_entries(void);
