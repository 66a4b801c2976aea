// Finds memory that processes share and that has no name in any file system.
#pragma once
#include <sys/types.h>

// Gets a path below /proc that opens an object, while it is called, and the name of a memfd, or "". Returns 0, or a negative errno, which
// ends the search.
typedef int take_link(const char *link, const char *name);

// What a process has mapped: shared anonymous memory, and memfds.
int find_mapped(pid_t pid, take_link *take);

// What it has open: a memfd can be open without being mapped.
int find_open(pid_t pid, take_link *take);

// Whether a segment is known by its id.
typedef int has_segment_of(int id);

// System V segments of its IPC namespace, attached or not, that are not known: each is attached for a moment.
int find_segments(pid_t pid, has_segment_of *has, take_link *take);
