// trees: makes and shows what Node has no call for.
//   trees show DIR            a line for each entry below DIR, sorted: path, mode, owner, size, times, device, inode, names, contents,
//                             extended attributes (ACLs among them)
//   trees set PATH NAME HEX   sets an extended attribute
//   trees nodes DIR           makes a socket, a fifo and a device
//   trees whiteout PATH       makes what overlayfs says with that a file of the image is gone
//   trees exchange ONE OTHER  has two things change places
#define _GNU_SOURCE
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int by_name(const FTSENT **one, const FTSENT **other) { return strcmp((*one)->fts_name, (*other)->fts_name); }

static int by_text(const void *one, const void *other) { return strcmp(*(char **)one, *(char **)other); }

static void escaped(const char *text) {
  for (const unsigned char *c = (const unsigned char *)text; *c; c++)
    if (*c > 32 && *c < 127 && *c != '%') putchar(*c);
    else printf("%%%02x", *c);
}

static void contents(const char *path, const struct stat *status) {
  char buffer[4096];
  unsigned long hash = 14695981039346656037ul;
  ssize_t got = 0;
  if (S_ISLNK(status->st_mode)) {
    got = readlink(path, buffer, sizeof buffer - 1);
    buffer[got < 0 ? 0 : got] = 0;
    printf(" ->");
    escaped(buffer);
  } else if (S_ISREG(status->st_mode)) {
    int file = open(path, O_RDONLY);
    while ((got = read(file, buffer, sizeof buffer)) > 0)
      for (ssize_t i = 0; i < got; i++) hash = (hash ^ (unsigned char)buffer[i]) * 1099511628211ul;
    close(file);
    printf(" #%lx", hash);
  }
}

static void attributes(const char *path) {
  char names[4096], value[4096], *sorted[64];
  ssize_t length = llistxattr(path, names, sizeof names);
  size_t count = 0;
  for (char *name = names; name < names + length && count < 64; name += strlen(name) + 1) sorted[count++] = name;
  qsort(sorted, count, sizeof *sorted, by_text);
  for (size_t i = 0; i < count; i++) {
    ssize_t got = lgetxattr(path, sorted[i], value, sizeof value);
    printf(" %s=", sorted[i]);
    for (ssize_t at = 0; at < got; at++) printf("%02x", (unsigned char)value[at]);
  }
}

static int show(char *folder) {
  char *folders[] = {folder, NULL};
  FTS *tree = fts_open(folders, FTS_PHYSICAL, by_name);
  for (FTSENT *entry; (entry = fts_read(tree));) {
    if (entry->fts_info == FTS_DP) continue;
    const struct stat *status = entry->fts_statp;
    putchar('.');
    escaped(entry->fts_path + strlen(folder));
    printf(" %o %u:%u", status->st_mode, status->st_uid, status->st_gid);
    printf(" %ld.%09ld", status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
    printf(" %u:%u", major(status->st_rdev), minor(status->st_rdev));
    if (!S_ISDIR(status->st_mode)) printf(" %ld inode=%lu/%lu", status->st_size, status->st_ino, status->st_nlink);
    contents(entry->fts_path, status);
    attributes(entry->fts_path);
    putchar('\n');
  }
  return fts_close(tree);
}

static int set(const char *path, const char *name, const char *hex) {
  unsigned char value[256];
  size_t length = 0;
  for (; hex[length * 2] && length < sizeof value; length++) sscanf(hex + length * 2, "%2hhx", &value[length]);
  return lsetxattr(path, name, value, length, 0);
}

static int nodes(const char *folder) {
  if (chdir(folder)) return 1;
  return mknod("socket", S_IFSOCK | 0640, 0) || mkfifo("fifo", 0604) || mknod("device", S_IFBLK | 0660, makedev(7, 200));
}

int main(int argc, char **argv) {
  const char *what = argc > 2 ? argv[1] : "";
  int failed = 1;
  if (!strcmp(what, "show")) failed = show(argv[2]);
  else if (!strcmp(what, "set") && argc == 5) failed = set(argv[2], argv[3], argv[4]);
  else if (!strcmp(what, "nodes")) failed = nodes(argv[2]);
  else if (!strcmp(what, "whiteout")) failed = mknod(argv[2], S_IFCHR, makedev(0, 0));
  else if (!strcmp(what, "exchange") && argc == 4) failed = renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE);
  if (failed) perror(what);
  return failed != 0;
}
