// locker FILE map|plain|lose: holds record locks on the file, which it has mapped or not, or loses them as a restore does. Says
// "ready", then each line that it reads.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int count, char **arguments) {
  if (count != 3) return 2;
  int fd = open(arguments[1], O_RDWR | O_CREAT, 0600);
  struct flock exclusive = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 100};
  struct flock shared = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 200};
  if (fd < 0 || ftruncate(fd, 4096) || fcntl(fd, F_SETLK, &exclusive) || fcntl(fd, F_SETLK, &shared)) return 1;
  if (strcmp(arguments[2], "map") == 0 && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) return 1;
  if (strcmp(arguments[2], "lose") == 0) close(open(arguments[1], O_RDONLY));
  char line[100] = "ready\n";
  do {
    fputs(line, stdout);
    fflush(stdout);
  } while (fgets(line, sizeof line, stdin));
}
