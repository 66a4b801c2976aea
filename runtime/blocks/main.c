// godwit-blocks send PORT: makes large files equal on another host. The files are below the working folder; their paths come on the
// standard input, with a zero byte after each. It connects to PORT of 127.0.0.1 before it reads them. It prints the paths of the files
// that are equal now, with a zero byte after each. The others are left as they were or half written, and need another tool.
// godwit-blocks take: the other side, over standard input and output. It changes only files below its working folder.
// blocks.h describes the stream. Both end with status 1 where the stream breaks.
#define _GNU_SOURCE
#include "blocks.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

_Noreturn void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

void *must(void *memory) {
  if (!memory) fail("no memory");
  return memory;
}

void put(FILE *to, const void *data, size_t bytes) {
  if (bytes && fwrite(data, bytes, 1, to) != 1) fail("the connection broke");
}

void get(FILE *from, void *data, size_t bytes) {
  if (!bytes || fread(data, bytes, 1, from) == 1) return;
  if (!ferror(from)) errno = EPIPE;
  fail("the connection broke");
}

void flush(FILE *to) {
  if (fflush(to)) fail("the connection broke");
}

void hash_blocks(const char *chunk, size_t bytes, struct hash *hashes) {
  for (size_t at = 0; at < bytes; at += BLOCK) {
    XXH128_hash_t hash = XXH3_128bits(chunk + at, bytes - at < BLOCK ? bytes - at : BLOCK);
    *hashes++ = (struct hash){hash.low64, hash.high64};
  }
}

// The file at a descriptor, whatever has its path now.
static int open_again(int fd, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return open(path, flags | O_NOCTTY | O_CLOEXEC);
}

int open_file(const char *path, int flags, struct stat *found) {
  // Without the driver of a device, whose open can do anything.
  struct open_how how = {
      .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
  };
  int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (fd < 0) return -1;
  int error = fstat(fd, found) ? errno : !S_ISREG(found->st_mode) ? EINVAL : found->st_nlink != 1 ? EMLINK : 0;
  int opened = error ? -1 : open_again(fd, flags);
  if (!error && opened < 0) error = errno;
  close(fd);
  errno = error;
  return opened;
}

int read_chunk(int fd, uint64_t offset, size_t bytes, char *chunk) {
  size_t had = 0;
  while (had < bytes) {
    ssize_t got = pread(fd, chunk + had, bytes - had, offset + had);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    had += got;
  }
  memset(chunk + had, 0, bytes - had);
  return 0;
}

static int connect_to(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0 || connect(connection, (struct sockaddr *)&address, sizeof address)) fail("no connection");
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return connection;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  // A file is open from its head to its end.
  struct rlimit files;
  if (!getrlimit(RLIMIT_NOFILE, &files)) setrlimit(RLIMIT_NOFILE, &(struct rlimit){files.rlim_max, files.rlim_max});
  if (argc == 3 && !strcmp(argv[1], "send")) return send_files(connect_to(atoi(argv[2])));
  if (argc == 2 && !strcmp(argv[1], "take")) return take_files();
  fprintf(stderr, "usage: godwit-blocks send PORT | take\n");
  return 2;
}
