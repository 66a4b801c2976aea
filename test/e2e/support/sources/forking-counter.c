// Forks. Then both processes append their own count to the same file.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(void) {
  const char *name = fork() == 0 ? "fork" : "count";
  for (int i = 0;; i++) {
    char command[64];
    snprintf(command, sizeof command, "echo %s:%d >> /root/1", name, i);
    if (system(command) != 0) return 1;
    usleep(200 * 1000);
  }
}
