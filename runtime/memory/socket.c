#define _GNU_SOURCE
#include "socket.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int socket_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // CRIU may ask as the root of a user namespace. Only root can reach the folder.
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || chmod(path, 0666) || listen(listener, 8)) return -1;
  return listener;
}

static void hand_out(int connection, int fd) {
  char there = fd >= 0, control[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec part = {&there, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (there) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  sendmsg(connection, &message, MSG_NOSIGNAL);
}

static int64_t take_charge(int connection, const struct answers *answers) {
  char cgroup[PATH_MAX];
  for (size_t there = 0; there < sizeof cgroup; there++) {
    if (recv(connection, cgroup + there, 1, 0) != 1) return -EPROTO;
    if (!cgroup[there]) return answers->charge(cgroup);
  }
  return -ENAMETOOLONG;
}

void socket_answer(int listener, const struct answers *answers) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  uint64_t asked;
  if (connection < 0) return;
  if (recv(connection, &asked, sizeof asked, MSG_WAITALL) == sizeof asked) {
    if (asked == charge_request) {
      int64_t status = take_charge(connection, answers);
      send(connection, &status, sizeof status, MSG_NOSIGNAL);
    } else hand_out(connection, answers->object(asked));
  }
  close(connection);
}
