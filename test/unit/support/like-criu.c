/*
 * Makes a System V segment of BYTES, and prints its device and id. After a line on its standard input it does with it what CRIU does, and
 * prints what comes of it:
 *   like-criu dump BYTES FOLDER      looks for the first data of the segment, whose first page is written: its place, or `hole`
 *   like-criu restore BYTES FOLDER   opens the image of the segment in FOLDER, attached, and prints the first letter of each of its pages;
 *                                    the same for a memfd whose number is 7777
 *   like-criu tar WORD...            runs tar, at once
 * The library goes by the name of the program, which must be criu.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void print_pages(const char *bytes, size_t pages) {
  for (size_t i = 0; i < pages; i++) putchar(bytes[i * PAGE] ? bytes[i * PAGE] : '.');
  printf(" %d\n", bytes[pages * PAGE - 1]);
}

static int open_image(int folder, long number) {
  char name[64];
  snprintf(name, sizeof name, "pagemap-shmem-%ld.img", number);
  int fd = openat(folder, name, O_RDONLY);
  if (fd < 0) printf("%s\n", strerror(errno));
  return fd;
}

int main(int count, char **words) {
  if (count > 2 && !strcmp(words[1], "tar")) return execvp("tar", words + 1);
  if (count != 4) return 2;
  size_t bytes = strtoul(words[2], NULL, 10), pages = (bytes + PAGE - 1) / PAGE;
  int id = shmget(IPC_PRIVATE, bytes, IPC_CREAT | 0600), folder = open(words[3], O_RDONLY | O_DIRECTORY);
  char *at = shmat(id, NULL, 0), link[96];
  snprintf(link, sizeof link, "/proc/self/map_files/%lx-%lx", (unsigned long)at, (unsigned long)at + pages * PAGE);
  int file = open(link, O_RDONLY);
  struct stat about;
  shmctl(id, IPC_RMID, NULL);
  if (file < 0 || fstat(file, &about)) return 1;
  printf("%ju:%d\n", (uintmax_t)about.st_dev, id);
  fflush(stdout);
  getchar();
  if (!strcmp(words[1], "dump")) {
    at[0] = 1;
    off_t data = lseek(file, 0, SEEK_DATA);
    if (data < 0 && errno == ENXIO) printf("hole\n");
    else printf("%jd\n", (intmax_t)data);
    return 0;
  }
  if (open_image(folder, id) >= 0) print_pages(at, pages);
  shmdt(at);
  int memfd = memfd_create("", 0);
  if (ftruncate(memfd, (off_t)pages * PAGE)) return 1;
  at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
  if (open_image(folder, 7777) >= 0) print_pages(at, pages);
  return 0;
}
