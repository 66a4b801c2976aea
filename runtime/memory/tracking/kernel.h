// What the kernel offers to learn which pages of a process were written: userfaultfd in asynchronous write-protect mode, and the ioctl
// PAGEMAP_SCAN (Linux 6.7 and later). The headers of Debian 12 are older, so the numbers stand here.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PAGE = 4096 };

// Categories of pages, as PAGEMAP_SCAN gives them.
enum { WRITTEN = 1 << 1, OF_FILE = 1 << 2, PRESENT = 1 << 3, SWAPPED = 1 << 4, ZERO_PAGE = 1 << 5 };

// A run of pages of the same categories, in addresses.
struct region {
  uint64_t start, end, categories;
};

enum scan_kind {
  // Only looks. Works on memory that is not registered.
  LOOK,
  // Fails with -EPERM where a part is not registered.
  LOOK_TRACKED,
  // The same, and write-protects again what was written.
  PROTECT_AGAIN,
};

// Opens a file of a process, such as `pagemap`. @returns a descriptor, or a negative errno
int open_proc(pid_t pid, const char *name, int flags);

// Makes a userfaultfd of another process ready for asynchronous write protection. 0, or a negative errno.
int uffd_prepare(int fd);

// Registers memory for write protection. 0, or a negative errno.
int uffd_register(int fd, uint64_t start, uint64_t end);

// Finds the populated pages. `pagemap` is an open /proc/PID/pagemap. @returns how many regions it found, or a negative errno; `reached`
// is where it stopped. An error has already re-protected what it passed.
long scan(int pagemap, enum scan_kind kind, uint64_t start, uint64_t end, struct region *out, size_t room, uint64_t *reached);

// Whether a swapped page is a mere mark of its protection: nothing is there.
int is_marker(int pagemap, uint64_t address);
