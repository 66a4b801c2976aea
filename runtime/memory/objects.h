// Shared memory that belongs to no process: anonymous mappings that are shared, and memfds. Page tables do not tell all of its changes (a
// process that unmaps it takes its marks along), so each page is compared by a hash of its contents.
#pragma once
#include <stdint.h>
#include <sys/types.h>

// Looks for the objects that a process has mapped, or open. Objects that none of the processes since objects_begin has are forgotten by
// the next round. 0, or a negative errno.
void objects_begin(void);
int objects_of(pid_t pid);

// Sends what has changed in each of them since it was last sent. 0, or a negative errno.
int objects_send(uint64_t *pages);

// How many pages that would be. Changes nothing.
int objects_count(uint64_t *pages);

// Sends the hashes of all pages, as they were sent last.
void objects_send_hashes(uint64_t *pages);

// Writes the device and the inode of each object, as CRIU's library (runtime/criu) reads them: `DEV:INODE`, a line each.
int objects_list(const char *path);
