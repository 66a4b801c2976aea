#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

// include/uapi/linux/userfaultfd.h and fs.h of Linux 6.7.
enum { WP_HUGETLBFS_SHMEM = 1 << 12, WP_ASYNC = 1 << 15 };
enum { WP_MATCHING = 1, CHECK_WPASYNC = 2 };
struct scan_request {
  uint64_t size, flags, start, end, walk_end, regions, room, most_pages, inverted, mask, any_of, wanted;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct scan_request)

// The swap type that the kernel gives to markers.
enum { MARKER_TYPE = 31 };

int open_proc(pid_t pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, flags | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

int uffd_prepare(int fd) {
  struct uffdio_api api = {.api = UFFD_API, .features = WP_ASYNC | WP_HUGETLBFS_SHMEM};
  return ioctl(fd, UFFDIO_API, &api) ? -errno : 0;
}

int uffd_register(int fd, uint64_t start, uint64_t end) {
  struct uffdio_register range = {.range = {start, end - start}, .mode = UFFDIO_REGISTER_MODE_WP};
  return ioctl(fd, UFFDIO_REGISTER, &range) ? -errno : 0;
}

long scan(int pagemap, enum scan_kind kind, uint64_t start, uint64_t end, struct region *out, size_t room, uint64_t *reached) {
  struct scan_request request = {
      .size = sizeof request,
      .flags = kind == LOOK ? 0 : kind == LOOK_TRACKED ? CHECK_WPASYNC : CHECK_WPASYNC | WP_MATCHING,
      .start = start,
      .end = end,
      .regions = (uintptr_t)out,
      .room = room,
      // Not WRITTEN alone: that would protect holes as well, which costs page tables.
      .any_of = PRESENT | SWAPPED,
      .wanted = WRITTEN | OF_FILE | PRESENT | SWAPPED | ZERO_PAGE,
  };
  long found = ioctl(pagemap, PAGEMAP_SCAN, &request);
  *reached = request.walk_end;
  return found < 0 ? -errno : found;
}

int is_marker(int pagemap, uint64_t address) {
  uint64_t entry = 0;
  if (pread(pagemap, &entry, sizeof entry, address / PAGE * sizeof entry) != sizeof entry) return 0;
  return (entry >> 62 & 1) && (entry & 31) == MARKER_TYPE;
}
