// Who else has to do with the memory of a process.
#pragma once
#include <sys/types.h>

// Whether another process has the same memory (CLONE_VM, as vfork does): it can write while this one stands still. Looks at its children,
// and at all processes that were asked about.
int shares_memory(pid_t pid);

// Whether a process has a file open whose path ends so.
int has_open(pid_t pid, const char *end);
