// Makes entries of each kind below the working folder. A call that fails ends the program with a message that has its line.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void failed(int line, const char *call) {
  fprintf(stderr, "filekinds: line %d: %s: %s\n", line, call, strerror(errno));
  exit(1);
}
#define must(call) ((call) < 0 ? failed(__LINE__, #call) : (void)0)

static void data(const char *path, const void *bytes, size_t length, off_t at) {
  int file = open(path, O_WRONLY | O_CREAT, 0644);
  must(file);
  must(pwrite(file, bytes, length, at));
  must(close(file));
}

static void text(const char *path, const char *it) { data(path, it, strlen(it), 0); }

// Makes a file of this size with one block of data at the offset `block`; with a negative offset it has no data.
static void holes(const char *path, off_t size, off_t block) {
  char bytes[4096];
  memset(bytes, 'x', sizeof bytes);
  text(path, "");
  if (block >= 0) data(path, bytes, sizeof bytes, block);
  must(truncate(path, size));
}

static void folder(const char *path) { must(mkdir(path, 0755)); }

static void dead_socket(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int it = socket(AF_UNIX, SOCK_STREAM, 0);
  must(it);
  must(bind(it, (struct sockaddr *)&address, sizeof address));
  must(close(it));
}

static void device(const char *path, mode_t type, unsigned major, unsigned minor) { must(mknod(path, type | 0600, makedev(major, minor))); }

static void dated(const char *path, long long seconds, long nanoseconds) {
  struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = seconds, .tv_nsec = nanoseconds}};
  must(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
}

static void attribute(const char *path, const char *name, const void *value, size_t size) { must(lsetxattr(path, name, value, size, 0)); }

static void note(const char *path, const char *name, const char *value) { attribute(path, name, value, strlen(value)); }

// A file capability (linux/capability.h, revision 2, effective) by its mask.
static void capability(const char *path, uint32_t permitted) {
  uint32_t value[5] = {0x02000001, permitted, 0, 0, 0};
  attribute(path, "security.capability", value, sizeof value);
}

// An ACL (linux/posix_acl_xattr.h) with one more user and one more group.
static void acl(const char *path, const char *name, uint32_t user, uint16_t rights) {
  struct {
    uint16_t tag, rights;
    uint32_t id;
  } entries[] = {{1, 6, -1}, {2, rights, user}, {4, 4, -1}, {8, 5, 4321}, {16, 7, -1}, {32, 0, -1}};
  char value[4 + sizeof entries] = {2};
  memcpy(value + 4, entries, sizeof entries);
  attribute(path, name, value, sizeof value);
}

#define access_acl "system.posix_acl_access"
#define default_acl "system.posix_acl_default"

static void command(char *const argv[]) {
  pid_t child = fork();
  must(child);
  if (child == 0) {
    execvp(argv[0], argv);
    _exit(127);
  }
  int status;
  must(waitpid(child, &status, 0));
  if (status) failed(__LINE__, argv[0]);
}

static void removed(const char *path) { command((char *[]){"rm", "-rf", "--", (char *)path, NULL}); }

// Renames as mv does: a folder of the image cannot be renamed, so mv copies it.
static void renamed(const char *from, const char *to) {
  if (rename(from, to) == 0) return;
  if (errno != EXDEV) failed(__LINE__, from);
  command((char *[]){"mv", "--", (char *)from, (char *)to, NULL});
}

enum { kinds = 6 };
static const char *const kind_names[kinds] = {"file", "folder", "link", "fifo", "socket", "device"};

// Makes an entry of a kind. The two variants of a kind differ. (The devices also differ in their number, because rsync takes a block
// device for a character device of the same number.)
static void kind(const char *path, int which, int variant) {
  char inner[64];
  if (which == 0) text(path, variant ? "one more" : "one");
  if (which == 1) {
    folder(path);
    for (int i = 0; i < 3; i++) {
      snprintf(inner, sizeof inner, "%s/%d", path, i + variant);
      if (i) text(inner, inner);
      else folder(inner);
    }
    snprintf(inner, sizeof inner, "%s/%d/deep", path, variant);
    text(inner, inner);
  }
  if (which == 2) must(symlink(variant ? "../../../../etc/hosts" : "/etc/hosts", path));
  if (which == 3) must(mkfifo(path, variant ? 0640 : 0604));
  if (which == 4) dead_socket(path);
  if (which == 5) device(path, variant ? S_IFBLK : S_IFCHR, 240, 7 + variant);
}
