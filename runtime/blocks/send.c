#define _GNU_SOURCE
#include "blocks.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
  char *path;
  int fd;
  uint64_t size;
  int is_equal;
};

static FILE *to, *from;
static struct file *files;
static size_t count;

static void put_head(const char *path) {
  struct stat found;
  int fd = open_file(path, O_RDONLY, &found);
  if (fd < 0) return;
  files = must(realloc(files, (count + 1) * sizeof *files));
  files[count++] = (struct file){.path = must(strdup(path)), .fd = fd, .size = found.st_size};
  // The time is older than what is read: a write after this changes the time once more.
  put(to, &(struct head){found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec, strlen(path)}, sizeof(struct head));
  put(to, path, strlen(path));
}

static int are_zeros(const char *data, size_t bytes) { return data[0] == 0 && !memcmp(data, data + 1, bytes - 1); }

static size_t least(size_t a, uint64_t b) { return a < b ? a : b; }

// Sends the blocks of a chunk whose hashes differ. Neighbours go together.
static void put_changed(uint32_t number, uint64_t offset, const char *chunk, size_t bytes) {
  struct hash here[CHUNK_BLOCKS], there[CHUNK_BLOCKS];
  size_t blocks = (bytes + BLOCK - 1) / BLOCK;
  get(from, there, blocks * sizeof *there);
  hash_blocks(chunk, bytes, here);
  for (size_t first = 0, next; first < blocks; first = next) {
    next = first + 1;
    if (!memcmp(here + first, there + first, sizeof *here)) continue;
    while (next < blocks && memcmp(here + next, there + next, sizeof *here)) next++;
    const char *data = chunk + first * BLOCK;
    size_t length = least(next * BLOCK, bytes) - first * BLOCK;
    int zeros = are_zeros(data, length);
    put(to, &(struct run){offset + first * BLOCK, length, number, zeros, 0}, sizeof(struct run));
    if (!zeros) put(to, data, length);
  }
}

static void compare(uint32_t number) {
  static char chunk[CHUNK];
  struct file *file = files + number;
  status other;
  get(from, &other, sizeof other);
  int error = 0;
  for (uint64_t offset = 0; !other && offset < file->size; offset += CHUNK) {
    size_t bytes = least(CHUNK, file->size - offset);
    if (!error) error = read_chunk(file->fd, offset, bytes, chunk);
    if (!error) put_changed(number, offset, chunk, bytes);
    else get(from, (struct hash[CHUNK_BLOCKS]){0}, (bytes + BLOCK - 1) / BLOCK * sizeof(struct hash));
  }
  put(to, &(struct run){.file = number, .failed = error}, sizeof(struct run));
  file->is_equal = !other && !error;
  close(file->fd);
}

int send_files(int connection) {
  to = must(fdopen(connection, "w"));
  from = must(fdopen(dup(connection), "r"));
  setvbuf(to, NULL, _IOFBF, CHUNK);
  char *path = NULL;
  for (size_t size = 0; getdelim(&path, &size, 0, stdin) > 0;) put_head(path);
  free(path);
  put(to, &(struct head){0}, sizeof(struct head));
  flush(to);
  for (size_t i = 0; i < count; i++) compare(i);
  flush(to);
  for (size_t i = 0; i < count; i++) {
    status other;
    get(from, &other, sizeof other);
    if (!other && files[i].is_equal) fwrite(files[i].path, strlen(files[i].path) + 1, 1, stdout);
  }
  return fflush(stdout) ? 1 : 0;
}
