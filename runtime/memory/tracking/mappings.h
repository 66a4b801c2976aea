// The mappings of a process that hold memory of its own.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mapping {
  uint64_t start, end;
  // Private, of a file: pages that were not written are the file's.
  int is_file;
};

// Reads the private mappings. Shared ones belong to an object, and not to a process. @returns how many there are, or a negative errno;
// `out` must be freed.
long read_mappings(pid_t pid, struct mapping **out);
