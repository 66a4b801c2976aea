/*
 * usage: transactions [for-ever]
 * Locks a database file as SQLite does, in one transaction after the other, and counts them; with "for-ever" the first one does not end. In
 * each it opens the file once more. As SQLite it closes that only where the file seems to be another one, by its inode number, because the
 * lock would end. A child looks whether the lock is still there: if not, it prints LOST.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char database[] = "/database";

static int set_lock(int file, short kind) {
  struct flock lock = {.l_type = kind, .l_whence = SEEK_SET, .l_start = 0x40000001, .l_len = 1};
  return fcntl(file, F_SETLK, &lock);
}

/** Descriptors that would end the lock if they were closed before the end of the transaction. */
static int left[4096], count;

static void open_again(const struct stat *known) {
  struct stat now;
  int again = open(database, O_RDWR);
  if (again < 0 || fstat(again, &now)) return;
  if (now.st_ino != known->st_ino || now.st_dev != known->st_dev) close(again);
  else if (count < 4096) left[count++] = again;
}

static int is_lost(void) {
  pid_t child = fork();
  if (child == 0) _exit(set_lock(open(database, O_RDWR), F_WRLCK) == 0);
  int status = 0;
  waitpid(child, &status, 0);
  return status != 0;
}

int main(int argc, char **argv) {
  int is_for_ever = argc > 1 && !strcmp(argv[1], "for-ever");
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int i = 0;; i++) {
    struct stat known;
    int file = open(database, O_RDWR | O_CREAT, 0600);
    if (file < 0 || fstat(file, &known) || set_lock(file, F_WRLCK)) return 1;
    do {
      printf("%d\n", i);
      usleep((is_for_ever ? 100 : 30) * 1000);
      open_again(&known);
      if (is_lost()) printf("LOST\n");
      i += is_for_ever;
    } while (is_for_ever);
    set_lock(file, F_UNLCK);
    close(file);
    while (count > 0) close(left[--count]);
    usleep(270 * 1000);
  }
}
