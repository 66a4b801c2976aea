#define _GNU_SOURCE
#include "collapse.h"
#include "tracking/kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

enum { HUGE_BYTES = 2 << 20 };

/** Whether no page of it is missing: the kernel would fill the others with zeros, and the process would have more memory than before. */
static int is_whole(int pagemap, uint64_t start) {
  uint64_t entries[HUGE_BYTES / PAGE];
  if (pread(pagemap, entries, sizeof entries, (off_t)(start / PAGE * sizeof *entries)) != sizeof entries) return 0;
  for (size_t i = 0; i < HUGE_BYTES / PAGE; i++)
    if (!(entries[i] >> 63)) return 0;
  return 1;
}

/** @returns how many of them are huge now. Those that cannot be stay as they are. */
static uint64_t collapse_run(int process, int pagemap, uint64_t start, uint64_t end) {
  uint64_t made = 0;
  start = (start + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
  for (uint64_t at = start; at + HUGE_BYTES <= end; at += HUGE_BYTES) {
    struct iovec page = {(void *)(uintptr_t)at, HUGE_BYTES};
    if (!is_whole(pagemap, at)) continue;
    if (syscall(SYS_process_madvise, process, &page, 1, MADV_COLLAPSE, 0) == HUGE_BYTES) made++;
    else if (errno == ESRCH || errno == EPERM || errno == ENOSYS) break;
  }
  return made;
}

int collapse_pages(void) {
  int pid;
  uint64_t first, count, made = 0;
  while (scanf("%d %" SCNu64 " %" SCNu64, &pid, &first, &count) == 3) {
    int process = (int)syscall(SYS_pidfd_open, pid, 0), pagemap = open_proc(pid, "pagemap", O_RDONLY);
    if (process >= 0 && pagemap >= 0) made += collapse_run(process, pagemap, first * PAGE, (first + count) * PAGE);
    if (process >= 0) close(process);
    if (pagemap >= 0) close(pagemap);
  }
  printf("%" PRIu64 "\n", made);
  return 0;
}
