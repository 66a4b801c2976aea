#define _GNU_SOURCE
#include "gather.h"
#include "tracking/kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int from = -1, into = -1;

static _Noreturn void fail(const char *what) {
  int error = errno;
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(error > 0 && error < 126 ? error : 1);
}

/** Replaces an open file by the one of an order, `WORD PATH`. */
static void take_file(int *fd, const char *path, int flags) {
  if (*fd >= 0 && close(*fd)) fail("the file before");
  *fd = open(path, flags | O_CLOEXEC, 0600);
  if (*fd < 0) fail(path);
}

static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t done = write(into, bytes, count);
    if (done < 0 && errno != EINTR) fail("a piece");
    if (done <= 0) continue;
    bytes += done;
    count -= (size_t)done;
  }
}

/** Appends a part of one file to the other one. What lies in a hole are zeros. (sendfile reads no offset that the other file cannot have.) */
static void append(off_t offset, uint64_t bytes) {
  static char piece[1 << 20];
  while (bytes > 0) {
    ssize_t done = pread(from, piece, bytes < sizeof piece ? bytes : sizeof piece, offset);
    if (done < 0 && errno == EINTR) continue;
    if (done == 0) errno = ENODATA;
    if (done <= 0) fail("a piece");
    write_all(piece, (size_t)done);
    offset += done;
    bytes -= (uint64_t)done;
  }
}

/** Appends all pages that are no holes, and says which they are. The end of the file must be that of a page. */
static void append_data(void) {
  for (off_t at = 0;;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    off_t hole = data < 0 ? data : lseek(from, data, SEEK_HOLE);
    if (hole < 0) fail("a file with holes");
    uint64_t first = (uint64_t)data / PAGE, end = ((uint64_t)hole + PAGE - 1) / PAGE;
    append((off_t)(first * PAGE), (end - first) * PAGE);
    printf("%" PRIu64 " %" PRIu64 "\n", first, end - first);
    at = (off_t)(end * PAGE);
  }
  printf("\n");
}

int gather_pieces(void) {
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    uint64_t offset, bytes;
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "into ", 5)) take_file(&into, line + 5, O_WRONLY | O_CREAT | O_TRUNC);
    else if (!strncmp(line, "from ", 5)) take_file(&from, line + 5, O_RDONLY);
    else if (sscanf(line, "piece %" SCNu64 " %" SCNu64, &offset, &bytes) == 2) append((off_t)offset, bytes);
    else if (!strcmp(line, "data")) append_data();
    else {
      errno = EINVAL;
      fail(line);
    }
  }
  free(line);
  if (into >= 0 && close(into)) fail("the last file");
  return fflush(stdout) ? 1 : 0;
}
