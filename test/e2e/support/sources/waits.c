// Waits in calls that a stop interrupts, and prints what they give: a thread sleeps for 20 s and then writes to a pipe, and the main thread
// polls that pipe without a timeout. With "events" it waits for an event that never comes, and ends if a call gives EINTR.
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static int ends[2];

static void *sleeps(void *unused) {
  (void)unused;
  struct timespec left = {20, 0}, from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  int result = nanosleep(&left, &left), problem = errno;
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("slept %s, %s\n", to.tv_sec - from.tv_sec >= 20 ? "enough" : "too short", result ? strerror(problem) : "to the end");
  if (write(ends[1], "x", 1) != 1) perror("write");
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc > 1 && !strcmp(argv[1], "events")) {
    struct epoll_event event;
    printf("waits\n");
    return epoll_wait(epoll_create1(0), &event, 1, -1);
  }
  if (pipe(ends) || pthread_create(&thread, NULL, sleeps, NULL)) return 1;
  printf("waits\n");
  struct pollfd reader = {.fd = ends[0], .events = POLLIN};
  int result = poll(&reader, 1, -1);
  printf("poll gave %d, %s\n", result, result < 0 ? strerror(errno) : "something to read");
  for (;;) pause();
}
