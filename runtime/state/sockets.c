#define _GNU_SOURCE
#include "state.h"
#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Inodes of the sockets and pipes that were met: several descriptors may be of one. */
static void *seen;

static int compare(const void *one, const void *other) {
  unsigned long a = *(const unsigned long *)one, b = *(const unsigned long *)other;
  return a < b ? -1 : a > b;
}

int sockets_remember(unsigned long inode) {
  unsigned long *copy = malloc(sizeof *copy);
  if (!copy) return 1;
  *copy = inode;
  unsigned long **found = tsearch(copy, &seen, compare);
  if (!found || *found == copy) return 1;
  free(copy);
  return 0;
}

int sockets_number(int fd, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &length) ? -1 : value;
}

void sockets_save(const struct process *process, FILE *to) {
  char path[300], target[64];
  int pidfd = (int)syscall(SYS_pidfd_open, process->outside, 0);
  snprintf(path, sizeof path, "/proc/%d/fd", process->outside);
  DIR *files = pidfd < 0 ? NULL : opendir(path);
  for (struct dirent *entry; files && (entry = readdir(files));) {
    unsigned long inode;
    ssize_t length = readlinkat(dirfd(files), entry->d_name, target, sizeof target - 1);
    if (length <= 0) continue;
    target[length] = 0;
    if (strcmp(target, "anon_inode:[eventfd]") == 0) semaphore_save(process, atoi(entry->d_name), to);
    int is_socket = sscanf(target, "socket:[%lu]", &inode) == 1;
    if ((!is_socket && sscanf(target, "pipe:[%lu]", &inode) != 1) || !sockets_remember(inode)) continue;
    struct socket socket = {.process = process->inside, .number = atoi(entry->d_name)};
    socket.fd = (int)syscall(SYS_pidfd_getfd, pidfd, socket.number, 0);
    if (socket.fd < 0) continue;
    owner_save(socket.process, socket.number, socket.fd, to);
    if (!is_socket) {
      close(socket.fd);
      continue;
    }
    socket.domain = sockets_number(socket.fd, SO_DOMAIN);
    socket.type = sockets_number(socket.fd, SO_TYPE);
    socket.protocol = sockets_number(socket.fd, SO_PROTOCOL);
    fprintf(to, "socket %d %d %d %d %d\n", socket.process, socket.number, socket.domain, socket.type, socket.protocol);
    options_save(&socket, to);
    members_save(&socket, to);
    datagrams_save(&socket, to);
    close(socket.fd);
  }
  if (files) closedir(files);
  if (pidfd >= 0) close(pidfd);
}

/** The one whose lines follow; its `fd` is -1 where there is none. */
static struct socket current = {.fd = -1};

void sockets_restored(void) {
  if (current.fd < 0) return;
  options_end(&current);
  close(current.fd);
  current.fd = -1;
}

int descriptor_open(pid_t inside, int number) {
  pid_t outside = processes_outside(inside);
  int pidfd = outside ? (int)syscall(SYS_pidfd_open, outside, 0) : -1;
  int fd = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
  if (pidfd >= 0) close(pidfd);
  return fd;
}

int sockets_restore(const char *line) {
  struct socket next;
  if (sscanf(line, "socket %d %d %d %d %d", &next.process, &next.number, &next.domain, &next.type, &next.protocol) == 5) {
    sockets_restored();
    current = next;
    current.fd = descriptor_open(next.process, next.number);
    if (current.fd >= 0 && (sockets_number(current.fd, SO_DOMAIN) != next.domain || sockets_number(current.fd, SO_TYPE) != next.type)) {
      close(current.fd);
      current.fd = -1;
    }
    if (current.fd < 0) lost("socket %d of process %d is not there any more", next.number, next.process);
    else options_begin(&current);
    return 1;
  }
  if (owner_restore(line) || semaphore_restore(line)) return 1;
  if (current.fd < 0) return strncmp(line, "option ", 7) == 0 || strncmp(line, "member ", 7) == 0 || strncmp(line, "datagram ", 9) == 0;
  return options_take(&current, line) || members_restore(&current, line) || datagrams_restore(&current, line);
}
