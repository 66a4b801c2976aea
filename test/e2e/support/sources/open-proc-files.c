/*
 * usage: open-proc-files PATH...
 * Opens files below /proc and counts as long as it can read them. In a path, TID means its second thread, and KID its child.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile pid_t thread;

static void *second(void *unused) {
  (void)unused;
  thread = (pid_t)syscall(SYS_gettid);
  for (;;) pause();
}

static int open_path(const char *path, pid_t kid) {
  char full[256];
  const char *word = strstr(path, "TID");
  if (!word) word = strstr(path, "KID");
  if (word) snprintf(full, sizeof full, "%.*s%d%s", (int)(word - path), path, *word == 'T' ? thread : kid, word + 3);
  else snprintf(full, sizeof full, "%s", path);
  int file = open(full, O_RDONLY);
  if (file < 0) {
    perror(full);
    exit(1);
  }
  return file;
}

int main(int argc, char **argv) {
  pid_t kid = fork();
  if (kid == 0) {
    for (;;) pause();
  }
  pthread_t made;
  pthread_create(&made, NULL, second, NULL);
  while (!thread) usleep(1000);
  int files[16], count = argc - 1;
  for (int i = 0; i < count; i++) files[i] = open_path(argv[i + 1], kid);
  for (int number = 0;; number++) {
    char text[64];
    for (int i = 0; i < count; i++) {
      if (pread(files[i], text, sizeof text, 0) > 0) continue;
      perror(argv[i + 1]);
      return 1;
    }
    printf("%d\n", number);
    fflush(stdout);
    usleep(100 * 1000);
  }
}
