#define _GNU_SOURCE
#include "restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "entry.h"
#include "source.h"

int restore_listener = -1, restore_connection = -1;
bool restored;

// CRIU's messages (criu/uffd.c): the id of a process, followed by one byte with its userfaultfd; a negative number for a process that
// has no memory any more; at the end this number, when everything is restored.
static const int32_t restore_finished = 0x52535446;

void listen_for_restore(void) { restore_listener = listen_at("lazy-pages.socket"); }

void accept_restore(void) {
  restore_connection = accept4(restore_listener, NULL, NULL, SOCK_CLOEXEC);
  if (restore_connection < 0) fail("CRIU did not connect");
  close(restore_listener);
  restore_listener = -1;
}

static int receive_descriptor(void) {
  char byte;
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec data = {&byte, 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(restore_connection, &message, MSG_CMSG_CLOEXEC) != 1) return -1;
  struct cmsghdr *head = CMSG_FIRSTHDR(&message);
  int fd = -1;
  if (head && head->cmsg_type == SCM_RIGHTS) memcpy(&fd, CMSG_DATA(head), sizeof fd);
  return fd;
}

void hear_restore(struct task *tasks, size_t count) {
  int32_t word;
  if (recv(restore_connection, &word, sizeof word, MSG_WAITALL) != sizeof word) {
    if (!restored) fail("the restore has ended");
    close(restore_connection);
    restore_connection = -1;
    return;
  }
  if (word == restore_finished) {
    restored = true;
    begin_entries();
    tell_go();
    return;
  }
  if (word < 0) return;
  int fd = receive_descriptor();
  if (fd < 0) fail("CRIU gave no userfaultfd");
  for (size_t t = 0; t < count; t++)
    if (tasks[t].id == (uint64_t)word) return add_space(fd, &tasks[t]);
  // CRIU itself has restored all memory of this process.
  static struct task nothing;
  add_space(fd, &nothing);
}
