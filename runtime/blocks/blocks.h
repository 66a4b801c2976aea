// The stream in which large files are made equal on another host, block by block, in the byte order of the hosts.
// 1. The sender: a `head` and a path for each file, and at last a head without a path.
// 2. The receiver, for each file: a `status`, and if that is 0, a hash for each block of the size in its head. Meanwhile the sender, for
//    each file: runs of what differs, and at last a run without bytes.
// 3. The receiver: a `status` for each file. If that is 0, the file has the contents, the size and the time of the source.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

// Databases write pages of 4 to 16 KiB.
enum { BLOCK = 8 << 10, CHUNK = 1 << 20, CHUNK_BLOCKS = CHUNK / BLOCK };

struct head {
  uint64_t size;
  int64_t seconds;
  uint32_t nanoseconds;
  // Of the path that follows, without a zero byte; relative to the tree.
  uint32_t path_bytes;
};

struct run {
  uint64_t offset;
  // 0: the file is complete.
  uint32_t bytes;
  uint32_t file;
  // They do not follow, because they are zeros.
  uint32_t are_zeros;
  // With the last run: the source could not read the file.
  uint32_t failed;
};

// Of errno; 0 where all is well.
typedef uint32_t status;

struct hash {
  uint64_t low, high;
};

// Hashes the blocks of a chunk that has `bytes`. The last block may be shorter.
void hash_blocks(const char *chunk, size_t bytes, struct hash *hashes);

// A regular file below the working folder that has one name, opened without following a symbolic link: the container may put one there
// at any time, that leads out of its tree. -1 with errno for anything else; EMLINK where it has more names.
int open_file(const char *path, int flags, struct stat *found);

// Reads a chunk. What the file does not have reads as zeros. 0, or an errno.
int read_chunk(int fd, uint64_t offset, size_t bytes, char *chunk);

// They end the program where the stream breaks.
void put(FILE *to, const void *data, size_t bytes);
void get(FILE *from, void *data, size_t bytes);
void flush(FILE *to);

_Noreturn void fail(const char *what);
void *must(void *memory);

int send_files(int connection);
int take_files(void);
