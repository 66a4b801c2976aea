/*
 * What CRIU does in a dump and a restore with the functions of libc that godwit's library wraps. The library goes by the name of the
 * program, which must be criu.
 *   criu-calls semaphore VALUE   makes an eventfd of VALUE and sets its flags, as CRIU does with the image of a semaphore. Prints the result
 *                                of fcntl, what two reads give, and whether it is closed on exec
 *   criu-calls table PAGES       has a table with an entry for each page, fills its beginning and one place in its middle, and copies it
 *                                into shared memory. Prints whether the copy is right, and how many KiB of it are there
 *   criu-calls images FOLDER     makes image after image until one fails, and prints the error. Then opens one that is there
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int semaphore(unsigned value) {
  int fd = eventfd(value, 0);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  int set = fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT);
  uint64_t first = 0, second = 0;
  // It asks for the flags again.
  if (!set && !(fcntl(fd, F_GETFL) & O_DIRECT)) return puts("a flag is missing") < 0;
  if (set) return puts(strerror(errno)) < 0;
  if (read(fd, &first, sizeof first) < 0) first = 99;
  if (read(fd, &second, sizeof second) < 0) second = 99;
  printf("%d %ju %ju %d\n", set, (uintmax_t)first, (uintmax_t)second, fcntl(fd, F_GETFD));
  return 0;
}

static int table(size_t pages) {
  size_t bytes = pages * sizeof(struct iovec);
  struct iovec *own = malloc(bytes);
  int memfd = memfd_create("arguments", 0);
  if (!own || ftruncate(memfd, (off_t)bytes)) return 1;
  struct iovec *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
  for (size_t i = 0; i < 1000; i++) own[i] = (struct iovec){(void *)i, i + 1};
  own[pages / 2].iov_len = 77;
  own[pages - 1].iov_len = 78;
  memcpy(shared, own, bytes);
  struct stat about;
  fstat(memfd, &about);
  size_t wrong = shared[pages / 2].iov_len != 77 || shared[pages - 1].iov_len != 78 || shared[pages / 4].iov_len;
  for (size_t i = 0; i < 1000; i++) wrong += shared[i].iov_base != (void *)i || shared[i].iov_len != i + 1;
  own = realloc(own, bytes * 2);
  wrong += own[pages - 1].iov_len != 78 || own[999].iov_len != 1000 || own[2 * pages - 1].iov_len;
  free(own);
  printf("%zu wrong, %jd KiB\n", wrong, (intmax_t)about.st_blocks / 2);
  return 0;
}

static int images(const char *path) {
  char name[64];
  int folder = open(path, O_RDONLY | O_DIRECTORY);
  for (int i = 0; i < 600; i++) {
    snprintf(name, sizeof name, "core-%d.img", i);
    int fd = openat(folder, name, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) {
      printf("%s after some, %s\n", strerror(errno), openat(folder, "core-0.img", O_RDONLY) < 0 ? "and nothing opens" : "others open");
      return 0;
    }
    close(fd);
    usleep(50 * 1000);
  }
  printf("none failed\n");
  return 0;
}

int main(int count, char **words) {
  if (count != 3) return 2;
  if (!strcmp(words[1], "semaphore")) return semaphore((unsigned)atoi(words[2]));
  if (!strcmp(words[1], "table")) return table(strtoul(words[2], NULL, 10));
  return images(words[2]);
}
