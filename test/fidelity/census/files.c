/* open(2): flags, positions, shared descriptions, removed files, owners, attributes. */
#include "census.h"
#include <sys/stat.h>
#include <sys/xattr.h>

static int plain, append, shared[2], apart, removed, readonly, path_only, folder_fd, high, nodelay, hole, device, linked, tmpfile_fd,
    noatime, moved;

static int make(const char *name, const char *file, int flags, const char *contents) {
  int fd = open(path_in_folder(file), flags | O_CREAT, 0640);
  if (fd >= 0 && write(fd, contents, strlen(contents)) < 0) return fd;
  return hold(name, fd);
}

static void give_file(void) {
  plain = make("file.plain", "plain", O_RDWR | O_TRUNC, "0123456789");
  given("file.position", lseek(plain, 3, SEEK_SET));
  append = make("file.append", "append", O_WRONLY | O_TRUNC | O_APPEND, "appended");
  lseek(append, 2, SEEK_SET);
  shared[0] = make("file.shared", "shared", O_RDWR | O_TRUNC, "0123456789");
  shared[1] = hold("file.dup", dup(shared[0]));
  apart = hold("file.apart", open(path_in_folder("shared"), O_RDONLY | O_CLOEXEC));
  removed = make("file.removed", "removed", O_RDWR | O_TRUNC, "still here");
  unlink(path_in_folder("removed"));
  readonly = hold("file.readonly", open(path_in_folder("plain"), O_RDONLY | O_NOFOLLOW));
  path_only = hold("file.path_only", open(path_in_folder("plain"), O_PATH));
  folder_fd = hold("file.folder", open(folder, O_RDONLY | O_DIRECTORY));
  high = hold("file.high", fcntl(plain, F_DUPFD_CLOEXEC, 900));
  nodelay = make("file.sync", "sync", O_WRONLY | O_TRUNC | O_DSYNC | O_NONBLOCK, "s");
  hole = make("file.hole", "hole", O_RDWR | O_TRUNC, "h");
  given("file.hole.size", ftruncate(hole, 1 << 20));
  device = hold("file.device", open("/dev/zero", O_RDWR));
  linked = make("file.linked", "linked", O_RDWR | O_TRUNC, "two names");
  unlink(path_in_folder("linked-too"));
  given("file.linked.links", link(path_in_folder("linked"), path_in_folder("linked-too")));
  unlink(path_in_folder("linked"));
  noatime = hold("file.noatime", open(path_in_folder("plain"), O_RDONLY | O_NOATIME));
  moved = make("file.moved", "moved", O_RDWR | O_TRUNC, "renamed");
  rename(path_in_folder("moved"), path_in_folder("renamed"));
  given("file.owner", fchown(plain, 1234, 2345));
  given("file.mode", fchmod(plain, 04751));
  given("file.xattr", fsetxattr(plain, "user.census", "value", 5, 0));
  given("file.mtime", futimens(plain, (struct timespec[]){{1000000, 1}, {2000000, 2}}));
}

static void tell_contents(const char *name, int fd) {
  char all[32];
  ssize_t got = pread(fd, all, sizeof all, 0);
  if (got < 0) tell_number(name, -1);
  else tell_bytes(name, all, (size_t)got);
}

static void tell_file(void) {
  struct stat about = {0};
  char value[16] = "";
  fstat(plain, &about);
  tell("file.owner", "%u:%u", about.st_uid, about.st_gid);
  tell("file.mode", "%o", about.st_mode);
  tell("file.mtime", "%ld.%ld", (long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
  tell("file.xattr", "%s", fgetxattr(plain, "user.census", value, sizeof value - 1) < 0 ? error_name(errno) : value);
  tell_number("file.position", lseek(plain, 0, SEEK_CUR));
  tell_number("file.append.position", lseek(append, 0, SEEK_CUR));
  lseek(shared[1], 7, SEEK_SET);
  tell("file.dup.shares", "%s", lseek(shared[0], 0, SEEK_CUR) == 7 ? "yes" : "no");
  lseek(shared[0], 4, SEEK_SET);
  tell("file.high.shares", "%s", lseek(high, 0, SEEK_CUR) == lseek(plain, 0, SEEK_CUR) ? "yes" : "no");
  tell_number("file.apart.position", lseek(apart, 0, SEEK_CUR));
  tell_contents("file.removed.content", removed);
  fstat(removed, &about);
  tell_number("file.removed.links", (long)about.st_nlink);
  tell_contents("file.linked.content", linked);
  fstat(linked, &about);
  tell_number("file.linked.links", (long)about.st_nlink);
  fstat(hole, &about);
  tell_number("file.hole.size", about.st_size);
  tell("file.hole.sparse", "%s", about.st_blocks < 1024 ? "yes" : "no");
  tell_contents("file.moved.content", moved);
  tell("file.path_only.reads", "%s", pread(path_only, value, 1, 0) < 0 ? error_name(errno) : "yes");
  tell("file.readonly.writes", "%s", write(readonly, "x", 1) < 0 ? error_name(errno) : "yes");
  tell("file.folder.finds", "%s", faccessat(folder_fd, "plain", F_OK, 0) ? error_name(errno) : "yes");
}

static void give_tmpfile(void) {
  tmpfile_fd = hold("tmpfile.file", open(folder, O_TMPFILE | O_RDWR, 0600));
  given("tmpfile.content", write(tmpfile_fd, "no name", 7));
}

static void tell_tmpfile(void) { tell_contents("tmpfile.content", tmpfile_fd); }

static void give_directory(void) {
  mkdir(path_in_folder("removed-folder"), 0700);
  folder_fd = hold("removed-folder.folder", open(path_in_folder("removed-folder"), O_RDONLY | O_DIRECTORY));
  given("removed-folder.links", rmdir(path_in_folder("removed-folder")));
}

static void tell_directory(void) {
  struct stat about;
  tell_number("removed-folder.links", fstat(folder_fd, &about) ? -1 : (long)about.st_nlink);
}

const struct area file_areas[] = {
    {"file", give_file, tell_file, false, false, "flags, positions, sharing, removed files, owners and times"},
    {"tmpfile", give_tmpfile, tell_tmpfile, false, false, "O_TMPFILE"},
    {"removed-folder", give_directory, tell_directory, true, false, "an open folder that is removed"},
    {0},
};
