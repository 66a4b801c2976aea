// Whether a device may write into the memory of a process without a page fault: no tracking sees that.
#pragma once
#include <sys/types.h>

// 1 where it has an AIO ring, a file without the page cache (O_DIRECT), or pinned memory, such as the buffers of io_uring; 0 otherwise,
// and where it has ended.
int is_pinned(pid_t pid);
