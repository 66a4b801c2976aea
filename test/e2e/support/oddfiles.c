// oddfiles: makes files below /odd that are hard to carry, holds a deleted one open, and counts as long as it reads right.
// oddfiles show: prints what no tool of busybox shows of them.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int make(void) {
  mkdir("/odd", 0751);
  int holes = open("/odd/holes", O_RDWR | O_CREAT, 0640);
  if (pwrite(holes, "end", 3, 64 << 20) != 3) return 1;
  close(holes);
  if (setxattr("/odd/holes", "user.note", "kept", 4, 0)) return 2;
  if (link("/odd/holes", "/odd/hard") || symlink("no/such/place", "/odd/soft") || mkfifo("/odd/fifo", 0604)) return 3;
  if (chown("/odd/fifo", 1234, 4321) || chmod("/odd/holes", 04711)) return 4;
  return 0;
}

static int show(void) {
  char note[16] = {0};
  struct stat holes;
  if (getxattr("/odd/holes", "user.note", note, sizeof note - 1) < 0 || stat("/odd/holes", &holes)) return 1;
  printf("note %s, blocks below 1 MiB: %s\n", note, holes.st_blocks < 2048 ? "yes" : "no");
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) return show();
  int failed = make();
  if (failed) return failed;
  int gone = open("/held", O_RDWR | O_CREAT, 0600);
  if (pwrite(gone, "still here", 10, 0) != 10 || unlink("/held")) return 5;
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0;; i++) {
    char text[11] = {0};
    if (pread(gone, text, 10, 0) != 10 || strcmp(text, "still here")) return 6;
    printf("%d\n", i);
    usleep(50 * 1000);
  }
}
