#define _GNU_SOURCE
#include "blocks.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
  char *path;
  struct head head;
  // Opened before the sender learns its status, closed by its last run.
  int fd;
  status error;
};

static struct file *files;
static size_t count;

static void get_heads(void) {
  for (;;) {
    struct file file = {.fd = -1};
    get(stdin, &file.head, sizeof file.head);
    if (!file.head.path_bytes) return;
    if (file.head.path_bytes >= PATH_MAX || file.head.size > INT64_MAX) {
      errno = EPROTO;
      fail("the sender");
    }
    file.path = must(calloc(1, file.head.path_bytes + 1));
    get(stdin, file.path, file.head.path_bytes);
    files = must(realloc(files, (count + 1) * sizeof *files));
    files[count++] = file;
  }
}

static void put_hashes(uint64_t size, int fd) {
  static char chunk[CHUNK];
  struct hash hashes[CHUNK_BLOCKS];
  for (uint64_t offset = 0; offset < size; offset += CHUNK) {
    size_t bytes = size - offset < CHUNK ? size - offset : CHUNK;
    // A block that cannot be read gets a hash that no block has, so it is written anew, or that fails.
    if (read_chunk(fd, offset, bytes, chunk)) memset(hashes, 0, sizeof hashes);
    else hash_blocks(chunk, bytes, hashes);
    put(stdout, hashes, (bytes + BLOCK - 1) / BLOCK * sizeof *hashes);
  }
}

// Runs ahead of the writes: a chunk has been hashed before the sender knows what to write there.
static void *answer(void *unused) {
  for (size_t i = 0; i < count; i++) {
    struct stat found;
    int fd = open_file(files[i].path, O_RDWR, &found);
    status error = fd < 0 ? errno : 0;
    files[i].error = error;
    __atomic_store_n(&files[i].fd, fd, __ATOMIC_RELEASE);
    put(stdout, &error, sizeof error);
    if (!error) put_hashes(files[i].head.size, fd);
  }
  flush(stdout);
  return unused;
}

static status write_all(int fd, const char *data, size_t bytes, uint64_t offset) {
  for (size_t had = 0; had < bytes;) {
    ssize_t wrote = pwrite(fd, data + had, bytes - had, offset + had);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return wrote ? errno : EIO;
    had += wrote;
  }
  return 0;
}

static status write_run(int fd, const struct run *run, const char *data) {
  const int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (run->are_zeros && !fallocate(fd, punch, run->offset, run->bytes)) return 0;
  return write_all(fd, data, run->bytes, run->offset);
}

static void complete(struct file *file, int fd, status failed) {
  const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {file->head.seconds, file->head.nanoseconds}};
  if (!file->error) file->error = failed;
  if (!file->error && (ftruncate(fd, file->head.size) || futimens(fd, times))) file->error = errno;
  // An error may come as late as here, from the quota of a network file system.
  if (close(fd) && !file->error) file->error = errno;
  __atomic_store_n(&file->fd, -1, __ATOMIC_RELEASE);
}

static void write_runs(void) {
  static char data[CHUNK];
  for (size_t completed = 0; completed < count;) {
    struct run run;
    get(stdin, &run, sizeof run);
    struct file *file = run.file < count ? files + run.file : NULL;
    if (!file || run.bytes > CHUNK || run.offset > file->head.size || run.bytes > file->head.size - run.offset) {
      errno = EPROTO;
      fail("the sender");
    }
    if (run.are_zeros) memset(data, 0, run.bytes);
    else get(stdin, data, run.bytes);
    int fd = __atomic_load_n(&file->fd, __ATOMIC_ACQUIRE);
    completed += !run.bytes;
    if (fd < 0) continue;
    if (!run.bytes) complete(file, fd, run.failed);
    else if (!file->error) file->error = write_run(fd, &run, data);
  }
}

int take_files(void) {
  setvbuf(stdin, NULL, _IOFBF, CHUNK);
  get_heads();
  pthread_t answering;
  if ((errno = pthread_create(&answering, NULL, answer, NULL))) fail("no thread");
  write_runs();
  pthread_join(answering, NULL);
  for (size_t i = 0; i < count; i++) put(stdout, &files[i].error, sizeof files[i].error);
  flush(stdout);
  return 0;
}
