// locker FILE map|plain: holds a record lock on the file, which it has mapped or not, says "ready", and waits.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int fd = open(arguments[1], O_RDWR | O_CREAT, 0600);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fd < 0 || ftruncate(fd, 4096) || fcntl(fd, F_SETLK, &lock)) return 1;
  if (strcmp(arguments[2], "map") == 0 && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) return 1;
  puts("ready");
  fflush(stdout);
  pause();
}
