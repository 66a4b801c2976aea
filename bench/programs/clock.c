// Sets two hosts to the same time, so that a pause that begins on one and ends on the other is measured right.
//   clock answer PORT            answers each question with its time, until it is ended
//   clock follow ADDRESS PORT    sets this host's clock to that of ADDRESS. Prints by how many ms it was behind, and the error of this
//                                number in ms, which is half of the fastest round trip
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { questions = 200 };

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static void set(int64_t time) {
  struct timespec wanted = {time / 1000000000, time % 1000000000};
  if (clock_settime(CLOCK_REALTIME, &wanted) < 0) {
    perror("clock_settime");
    exit(1);
  }
}

int main(int argc, char **argv) {
  int follows = argc == 4 && strcmp(argv[1], "follow") == 0;
  if (!follows && !(argc == 3 && strcmp(argv[1], "answer") == 0)) {
    fprintf(stderr, "usage: clock answer PORT | clock follow ADDRESS PORT\n");
    return 2;
  }
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[argc - 1]))};
  if (!follows) {
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
      perror("bind");
      return 1;
    }
    for (;;) {
      int64_t question, answer[2];
      socklen_t size = sizeof address;
      if (recvfrom(fd, &question, sizeof question, 0, (struct sockaddr *)&address, &size) != sizeof question) continue;
      answer[0] = question;
      answer[1] = now();
      sendto(fd, answer, sizeof answer, 0, (struct sockaddr *)&address, size);
    }
  }
  struct timeval patience = {.tv_sec = 1};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (inet_pton(AF_INET, argv[2], &address.sin_addr) != 1 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    perror(argv[2]);
    return 1;
  }
  int64_t fastest = INT64_MAX, off = 0;
  for (int i = 0; i < questions; i++) {
    int64_t asked = now(), answer[2];
    // A late answer to an earlier question does not count.
    if (send(fd, &asked, sizeof asked, 0) < 0 || recv(fd, answer, sizeof answer, 0) != sizeof answer || answer[0] != asked) continue;
    int64_t way = now() - asked;
    if (way >= fastest) continue;
    fastest = way;
    off = answer[1] - (asked + way / 2);
  }
  if (fastest == INT64_MAX) {
    fprintf(stderr, "%s does not answer\n", argv[2]);
    return 1;
  }
  set(now() + off);
  printf("%.3f %.3f\n", off / 1e6, fastest / 2e6);
  return 0;
}
