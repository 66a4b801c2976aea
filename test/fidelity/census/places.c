/* Working folder, root, umask, namespaces, mounts. */
#include "census.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void link_of(const char *name, const char *path) {
  char target[256] = "";
  ssize_t got = readlink(path, target, sizeof target - 1);
  if (got < 0) tell_number(name, -1);
  else tell_bytes(name, target, (size_t)got);
}

static void give_place(void) {
  mkdir(path_in_folder("working"), 0700);
  given("place.cwd", chdir(path_in_folder("working")));
  umask(0137);
}

static void tell_place(void) {
  link_of("place.cwd", "/proc/self/cwd");
  link_of("place.root", "/proc/self/root");
  tell("place.umask", "%s", line_after("/proc/self/status", "Umask:"));
}

static void give_removed(void) {
  mkdir(path_in_folder("removed-cwd"), 0700);
  given("removed-cwd.cwd", chdir(path_in_folder("removed-cwd")));
  rmdir(path_in_folder("removed-cwd"));
}

static void tell_removed(void) { link_of("removed-cwd.cwd", "/proc/self/cwd"); }

static void give_chroot(void) {
  mkdir(path_in_folder("root"), 0755);
  mkdir(path_in_folder("root/inner"), 0755);
  mkdir(path_in_folder("root/inner/deep"), 0755);
  given("chroot.root", chroot(path_in_folder("root")));
  given("chroot.root", chdir("/inner"));
}

/* /proc is not there any more. */
static void tell_chroot(void) {
  struct stat about;
  char where[256] = "";
  tell("chroot.root", "%s", stat("/inner/deep", &about) ? error_name(errno) : "own");
  tell("chroot.cwd", "%s", getcwd(where, sizeof where) ? where : error_name(errno));
}

static const char *const spaces[] = {"ipc", "net", "mnt", "uts", "user"};
static char outer[COUNT(spaces)][64];

static void remember_spaces(void) {
  for (size_t i = 0; i < COUNT(spaces); i++)
    if (readlink(text("/proc/self/ns/%s", spaces[i]), outer[i], sizeof outer[i] - 1) < 0) *outer[i] = 0;
}

/* A namespace has another number after a move; "own" says that it is not that of init, as long as that can be read. */
static const char *space(size_t which) {
  char now[64] = "", first[64] = "";
  if (readlink(text("/proc/self/ns/%s", spaces[which]), now, sizeof now - 1) < 0) return error_name(errno);
  if (readlink(text("/proc/1/ns/%s", spaces[which]), first, sizeof first - 1) < 0)
    return strcmp(now, outer[which]) ? "own" : "that of init";
  return strcmp(now, first) ? "own" : "that of init";
}

static void give_namespaces(void) {
  remember_spaces();
  static const struct {
    const char *name;
    int flag;
  } kinds[] = {
      {"namespace.uts", CLONE_NEWUTS}, {"namespace.ipc", CLONE_NEWIPC}, {"namespace.net", CLONE_NEWNET}, {"namespace.mnt", CLONE_NEWNS}};
  for (size_t i = 0; i < COUNT(kinds); i++) given(kinds[i].name, unshare(kinds[i].flag));
  given("namespace.uts", sethostname("census-inner", 12));
}

static void tell_namespaces(void) {
  char hostname[64] = "";
  tell("namespace.ipc", "%s", space(0));
  tell("namespace.net", "%s", space(1));
  tell("namespace.mnt", "%s", space(2));
  gethostname(hostname, sizeof hostname - 1);
  tell("namespace.uts", "%s %s", space(3), hostname);
}

static int namespace_file;

static void give_namespace_file(void) { namespace_file = hold("namespace-file.net", open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)); }

static void tell_namespace_file(void) {
  struct stat own, open_one;
  bool same = !stat("/proc/self/ns/net", &own) && !fstat(namespace_file, &open_one) && own.st_ino == open_one.st_ino;
  tell("namespace-file.net", "%s", same ? "of own" : "other");
}

static void give_userns(void) {
  remember_spaces();
  given("namespace-user.user", unshare(CLONE_NEWUSER));
}

static void tell_userns(void) { tell("namespace-user.user", "%s", space(4)); }

static void give_timens(void) {
  given("namespace-time.offsets", unshare(0x80));
  int fd = open("/proc/self/timens_offsets", O_WRONLY);
  given("namespace-time.offsets", write(fd, "monotonic 1000 0\nboottime 2000 0", 32));
  close(fd);
}

static void tell_timens(void) { tell("namespace-time.offsets", "%s", file_text("/proc/self/timens_offsets")); }

const struct area place_areas[] = {
    {"place", give_place, tell_place, true, false, "working folder, umask"},
    {"removed-cwd", give_removed, tell_removed, true, false, "a working folder that is removed"},
    {"chroot", give_chroot, tell_chroot, true, false, "a root of its own"},
    {"namespace", give_namespaces, tell_namespaces, true, true, "namespaces of its own; refused in the dump"},
    {"namespace-user", give_userns, tell_userns, true, true, "a user namespace of its own; refused in the dump"},
    {"namespace-time", give_timens, tell_timens, true, true, "a time namespace of its children; refused in the dump"},
    {"namespace-file", give_namespace_file, tell_namespace_file, false, false, "an open file of a namespace"},
    {0},
};
