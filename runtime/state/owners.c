// Owners and modes of sockets and pipes without a name, which programs of other users meet: SO_PEERCRED of a listening socket, the owner
// match of a firewall, /proc/net/tcp. CRIU makes them as root.
#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void owner_save(pid_t process, int number, int fd, FILE *to) {
  struct stat found;
  if (fstat(fd, &found)) return;
  int is_usual = found.st_uid == 0 && found.st_gid == 0 && (found.st_mode & 07777) == (S_ISSOCK(found.st_mode) ? 0777 : 0600);
  if (!is_usual) fprintf(to, "owner %d %d %u %u %o\n", process, number, found.st_uid, found.st_gid, found.st_mode & 07777);
}

int owner_restore(const char *line) {
  int process, number;
  unsigned user, group, mode;
  if (sscanf(line, "owner %d %d %u %u %o", &process, &number, &user, &group, &mode) != 5) return 0;
  int fd = descriptor_open(process, number);
  struct stat found;
  errno = ENOENT;
  int failed = fd < 0 || fstat(fd, &found);
  if (!failed && (found.st_uid != user || found.st_gid != group)) failed = fchown(fd, user, group);
  if (!failed && (found.st_mode & 07777) != mode) failed = fchmod(fd, mode);
  if (failed) lost("the owner of descriptor %d of process %d: %s", number, process, strerror(errno));
  if (fd >= 0) close(fd);
  return 1;
}
