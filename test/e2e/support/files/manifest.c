// manifest LABEL=FOLDER...: prints everything in these folders, one line for each entry, sorted, so that two manifests can be compared.
//
// It shares no code with godwit or rsync, because it judges both. For each entry it prints: type, mode, owner, size, time of the last
// modification to the nanosecond, the target of a symbolic link, device numbers, the SHA-256 of the contents and where the data is
// between holes, how many names it has and the first of them, and extended attributes, which include ACLs and file capabilities.
// Bytes of names, targets and values that are not printable are escaped.
//
// It leaves out what no copy can have and what is no property of the entry: inode numbers, times of the last change and of birth, the
// time of the last access (reading a file for the copy may change it), and size and number of links of a folder, which depend on
// the history of its file system. A mount below a folder has one line, and none for its contents.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sha256.h"

static void fail(const char *what, const char *path) {
  fprintf(stderr, "manifest: %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

struct entry {
  char *path;  // begins with the label
  char *place; // where it is
  struct statx stat;
};
static struct entry *entries;
static size_t count, room;

static char *joined(const char *a, const char *b) {
  char *text;
  if (asprintf(&text, "%s/%s", a, b) < 0) fail("no memory for", b);
  return text;
}

static void walk(char *path, char *place, uint64_t mount) {
  struct statx stat;
  if (statx(AT_FDCWD, place, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_MNT_ID, &stat)) fail("cannot look at", place);
  if (count == room) entries = realloc(entries, (room = room * 2 + 1024) * sizeof *entries);
  if (mount == 0) mount = stat.stx_mnt_id;
  if (mount != stat.stx_mnt_id) stat.stx_mode = 0;
  entries[count++] = (struct entry){path, place, stat};
  if (!S_ISDIR(stat.stx_mode)) return;
  DIR *folder = opendir(place);
  if (!folder) fail("cannot open", place);
  for (struct dirent *it; (it = readdir(folder));)
    if (strcmp(it->d_name, ".") && strcmp(it->d_name, "..")) walk(joined(path, it->d_name), joined(place, it->d_name), mount);
  closedir(folder);
}

static void print_bytes(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char it = (unsigned char)bytes[i];
    if (it <= ' ' || it >= 127 || it == '%') printf("%%%02x", it);
    else putchar(it);
  }
}

static void print_contents(const char *place, off_t size) {
  int file = open(place, O_RDONLY | O_NOATIME);
  if (file < 0) fail("cannot open", place);
  struct sha256 hash = sha256_begin();
  printf(" data=");
  for (off_t at = 0; at < size;) {
    off_t data = lseek(file, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    if (data < 0) fail("cannot seek in", place);
    at = lseek(file, data, SEEK_HOLE);
    printf("%lld-%lld,", (long long)data, (long long)at);
    static char buffer[1 << 16];
    for (off_t from = data; from < at;) {
      size_t want = at - from < (off_t)sizeof buffer ? (size_t)(at - from) : sizeof buffer;
      ssize_t got = pread(file, buffer, want, from);
      if (got <= 0) fail("cannot read", place);
      sha256_add(&hash, buffer, (size_t)got);
      from += got;
    }
  }
  char text[65];
  sha256_end(&hash, text);
  printf(" sha256=%s", text);
  close(file);
}

// True for the attributes that overlay keeps for itself and that change nothing that a container sees: handles of inodes of this host's
// layers (origin), whether a folder has entries with such handles (impure), the number of links of an index that Docker does not use
// (nlink), and the identity of a mount (uuid).
static int is_of_this_host(const char *name) {
  static const char *const names[] = {"origin", "impure", "nlink", "uuid"};
  if (strncmp(name, "trusted.overlay.", 16)) return 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name + 16, names[i])) return 1;
  return 0;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void print_attributes(const char *place) {
  static char list[1 << 16], value[1 << 16];
  char *names[1024];
  size_t found = 0;
  ssize_t length = llistxattr(place, list, sizeof list);
  if (length < 0) fail("cannot list the attributes of", place);
  for (char *name = list; name < list + length && found < 1024; name += strlen(name) + 1) names[found++] = name;
  qsort(names, found, sizeof *names, by_name);
  for (size_t i = 0; i < found; i++) {
    if (is_of_this_host(names[i])) continue;
    ssize_t size = lgetxattr(place, names[i], value, sizeof value);
    if (size < 0) fail("cannot read an attribute of", place);
    putchar(' ');
    print_bytes(names[i], strlen(names[i]));
    putchar('=');
    print_bytes(value, (size_t)size);
  }
}

static const char *first_name(const struct entry *it) {
  for (size_t i = 0; i < count; i++) {
    const struct statx *other = &entries[i].stat;
    if (other->stx_ino == it->stat.stx_ino && other->stx_dev_major == it->stat.stx_dev_major &&
        other->stx_dev_minor == it->stat.stx_dev_minor && other->stx_mode)
      return entries[i].path;
  }
  return it->path;
}

static void print_entry(const struct entry *it) {
  const struct statx *stat = &it->stat;
  unsigned type = stat->stx_mode & S_IFMT;
  print_bytes(it->path, strlen(it->path));
  if (type == 0) {
    printf(" mounted\n");
    return;
  }
  const char *name = type == S_IFREG    ? "file"
                     : type == S_IFDIR  ? "folder"
                     : type == S_IFLNK  ? "link"
                     : type == S_IFIFO  ? "fifo"
                     : type == S_IFSOCK ? "socket"
                     : type == S_IFCHR  ? "char"
                                        : "block";
  printf(" %s %04o %u:%u", name, stat->stx_mode & 07777, stat->stx_uid, stat->stx_gid);
  printf(" %lld.%09u", (long long)stat->stx_mtime.tv_sec, stat->stx_mtime.tv_nsec);
  if (type == S_IFCHR || type == S_IFBLK) printf(" device=%u:%u", stat->stx_rdev_major, stat->stx_rdev_minor);
  if (type != S_IFDIR) printf(" size=%llu", (unsigned long long)stat->stx_size);
  // Overlay makes one whiteout and links it wherever it needs one, also into a folder of its own: the number of its names means nothing.
  int whiteout = type == S_IFCHR && stat->stx_rdev_major == 0 && stat->stx_rdev_minor == 0;
  if (type != S_IFDIR && !whiteout && stat->stx_nlink > 1) {
    printf(" names=%u first=", stat->stx_nlink);
    print_bytes(first_name(it), strlen(first_name(it)));
  }
  if (type == S_IFLNK) {
    static char target[PATH_MAX + 1];
    ssize_t length = readlink(it->place, target, sizeof target);
    if (length < 0) fail("cannot read the link", it->place);
    printf(" target=");
    print_bytes(target, (size_t)length);
  }
  if (type == S_IFREG) print_contents(it->place, (off_t)stat->stx_size);
  print_attributes(it->place);
  putchar('\n');
}

static int by_path(const void *a, const void *b) { return strcmp(((struct entry *)a)->path, ((struct entry *)b)->path); }

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    char *folder = strchr(argv[i], '=');
    if (!folder) return 2;
    *folder++ = 0;
    walk(argv[i], folder, 0);
  }
  qsort(entries, count, sizeof *entries, by_path);
  for (size_t i = 0; i < count; i++) print_entry(&entries[i]);
  return fflush(stdout) || ferror(stdout);
}
