#include "state.h"
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Whether CRIU (4.2) can dump a socket of this kind.
static int is_known(int domain, int type, int protocol) {
  if (domain == AF_UNIX || domain == AF_NETLINK || domain == AF_PACKET) return 1;
  if (domain != AF_INET && domain != AF_INET6) return 0;
  if (type == SOCK_RAW) return 1;
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE || protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

size_t look_at(const struct process *process, int discard, FILE *to) {
  char path[300], target[64];
  size_t watched = 0;
  unsigned long inode;
  int pidfd = (int)syscall(SYS_pidfd_open, process->outside, 0);
  snprintf(path, sizeof path, "/proc/%d/fd", process->outside);
  DIR *files = pidfd < 0 ? NULL : opendir(path);
  for (struct dirent *entry; files && (entry = readdir(files));) {
    ssize_t length = readlinkat(dirfd(files), entry->d_name, target, sizeof target - 1);
    target[length > 0 ? length : 0] = 0;
    int is_socket = sscanf(target, "socket:[%lu]", &inode) == 1;
    if (is_socket ? !sockets_remember(inode) : strcmp(target, "anon_inode:inotify") != 0) continue;
    int bytes = 0, fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name), 0);
    struct pollfd queue = {.fd = fd, .events = POLLIN};
    if (fd < 0) continue;
    int domain = is_socket ? sockets_number(fd, SO_DOMAIN) : -1, protocol = sockets_number(fd, SO_PROTOCOL);
    if (is_socket && !is_known(domain, sockets_number(fd, SO_TYPE), protocol)) {
      fprintf(to, "foreign %d %s %d %d\n", process->inside, entry->d_name, domain, protocol);
    } else if (!is_socket) {
      watched++;
      if (!ioctl(fd, FIONREAD, &bytes) && bytes > 0) fprintf(to, "events %d %s %d\n", process->inside, entry->d_name, bytes);
    } else if (domain == AF_NETLINK) {
      watched++;
      if (poll(&queue, 1, 0) > 0 && queue.revents & POLLIN) {
        fprintf(to, "messages %d %s\n", process->inside, entry->d_name);
        while (discard && recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0) continue;
      }
    } else if (sockets_number(fd, SO_ACCEPTCONN) == 1) {
      watched++;
      if (poll(&queue, 1, 0) > 0 && queue.revents & POLLIN) fprintf(to, "waiting %d %s %d\n", process->inside, entry->d_name, domain);
    }
    close(fd);
  }
  if (files) closedir(files);
  if (pidfd >= 0) close(pidfd);
  return watched;
}
