/*
 * godwit-criu.so: preloaded into CRIU, which without it reads and writes all shared memory while the container stands still.
 *
 * In a dump it leaves out the contents of shared objects that the destination has already. GODWIT_SHARED_OBJECTS names a file that
 * lists them, `DEVICE:INODE`, a line each; it is read at the first object. CRIU finds what to dump with lseek(SEEK_DATA): for these
 * objects it finds only a hole. The number of CRIU's image is the number of the inode.
 *
 * In a restore it takes such objects from godwit-memory (runtime/memory/store.c). Their images are named shared-N.img, and not
 * pagemap-shmem-N.img: without this library CRIU does not find them, and the restore fails. CRIU makes a memfd, gives it its size, maps
 * it, and opens the image; at that moment the memfd is replaced by the one that has the contents. A System V segment, whose number is its
 * id, CRIU attaches instead: segments.c fills it at that moment.
 *
 * inherit.c does the same for private memory that processes share by copy-on-write. eventfd.c restores semaphores. In a dump, watch.c
 * can end it, tables.c lets it take less memory and time, and ptrace.c lets calls that wait go on, and finds a place for CRIU's code.
 *
 * It needs no symbol of libc that has a new version, so one build works with every glibc.
 */
#define _GNU_SOURCE
#include "criu.h"
#include "inherit.h"
#include "segments.h"
#include "watch.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

bool is_criu, is_dump;

/** godwit asks whether CRIU takes this library. */
__attribute__((constructor)) static void begin(void) {
  const char *name = program_invocation_short_name;
  is_criu = !strcmp(name, "criu");
  if (!is_criu) return;
  // The programs that CRIU starts do not need it.
  unsetenv("LD_PRELOAD");
  watch_begin();
  if (!getenv("GODWIT_CRIU_CHECK")) return;
  static const char answer[] = "godwit-criu\n";
  syscall(SYS_exit_group, syscall(SYS_write, STDOUT_FILENO, answer, sizeof answer - 1) < 0);
}

static bool about(int fd, struct stat *found) { return syscall(SYS_fstat, fd, found) == 0; }

/** The list of objects that are left out, as it is in the file, with a line end before it. */
static const char *list_of_objects(void) {
  static char *list;
  if (list) return list;
  list = "";
  const char *path = getenv("GODWIT_SHARED_OBJECTS");
  int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
  struct stat file;
  if (fd < 0) return list;
  char *text = about(fd, &file) ? calloc(1, (size_t)file.st_size + 2) : NULL;
  if (text && read(fd, text + 1, (size_t)file.st_size) == file.st_size) {
    text[0] = '\n';
    list = text;
  }
  close(fd);
  return list;
}

static bool is_left_out(int fd) {
  struct stat object;
  char line[64];
  if (!is_criu || !*list_of_objects() || !about(fd, &object)) return false;
  snprintf(line, sizeof line, "\n%ju:%ju\n", (uintmax_t)object.st_dev, (uintmax_t)object.st_ino);
  return strstr(list_of_objects(), line) != NULL;
}

EXPORT off_t lseek64(int fd, off_t offset, int whence) {
  if (whence == SEEK_DATA && is_left_out(fd)) {
    errno = ENXIO;
    return -1;
  }
  return syscall(SYS_lseek, fd, offset, whence);
}
EXPORT off_t lseek(int fd, off_t offset, int whence) { return lseek64(fd, offset, whence); }

/** The memfd that CRIU has made last, and where it is mapped. */
static struct {
  int fd;
  unsigned flags;
  void *at;
  size_t length;
} made = {.fd = -1};

EXPORT int memfd_create(const char *name, unsigned flags) {
  int fd = (int)syscall(SYS_memfd_create, name, flags);
  made.fd = fd;
  made.flags = flags;
  made.at = NULL;
  return fd;
}

EXPORT void *mmap64(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  void *mapped = (void *)syscall(SYS_mmap, at, length, protection, flags, fd, offset);
  if (fd >= 0 && fd == made.fd && mapped != MAP_FAILED) {
    made.at = mapped;
    made.length = length;
  }
  if (!is_criu || mapped == MAP_FAILED) return mapped;
  if (flags & MAP_FIXED) inherit_mapped(mapped, length, protection, flags);
  else if (protection == PROT_NONE && flags == (MAP_PRIVATE | MAP_ANONYMOUS)) inherit_reserved(mapped, length);
  return mapped;
}
EXPORT void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
  return mmap64(at, length, protection, flags, fd, offset);
}

EXPORT void *mremap(void *from, size_t old_length, size_t length, int flags, ...) {
  va_list more;
  va_start(more, flags);
  void *to = flags & MREMAP_FIXED ? va_arg(more, void *) : NULL;
  va_end(more);
  void *moved = (void *)syscall(SYS_mremap, from, old_length, length, flags, to);
  if (is_criu && moved != MAP_FAILED && flags & MREMAP_FIXED) inherit_moved(from, moved, length);
  return moved;
}

/** Asks for an object at the socket in the folder of the images. @returns a descriptor, or -1 */
static int take_object(int images, uint64_t inode) {
  static const struct sockaddr_un address = {AF_UNIX, "shared.socket"};
  int here = (int)syscall(SYS_openat, AT_FDCWD, ".", O_PATH | O_CLOEXEC);
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // Only a relative path reaches it: the container has its own root by now.
  bool connected = here >= 0 && connection >= 0 && !fchdir(images) && !connect(connection, (const struct sockaddr *)&address, sizeof address);
  int found = -1;
  if (here >= 0 && fchdir(here)) connected = false;
  if (connected && send(connection, &inode, sizeof inode, MSG_NOSIGNAL) == sizeof inode) {
    char there, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&there, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) == 1 && message.msg_controllen >= CMSG_LEN(sizeof(int)))
      memcpy(&found, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof found);
  }
  if (connection >= 0) close(connection);
  if (here >= 0) close(here);
  return found;
}

/** Puts the object into the place of the memfd that CRIU has made for it. */
static bool adopt(int images, uint64_t inode) {
  struct stat memfd, object;
  if (made.fd < 0 || !made.at || !about(made.fd, &memfd)) return false;
  int fd = take_object(images, inode);
  bool fits = fd >= 0 && about(fd, &object) && (object.st_size == memfd.st_size || !ftruncate(fd, memfd.st_size));
  // godwit-memory lets every object be sealed; CRIU wanted this one without seals.
  if (fits && !(made.flags & MFD_ALLOW_SEALING)) fits = !fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL);
  fits = fits && syscall(SYS_dup3, fd, made.fd, made.flags & MFD_CLOEXEC ? O_CLOEXEC : 0) >= 0 &&
         (void *)syscall(SYS_mmap, made.at, made.length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, made.fd, 0) == made.at;
  if (fd >= 0) close(fd);
  return fits;
}

EXPORT int openat64(int folder, const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, unsigned) : 0;
  va_end(more);
  // A new image.
  if (is_criu && flags & O_CREAT && watch_ends()) return -1;
  int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  if (fd >= 0 && is_criu) inherit_begin(folder, path);
  uint64_t inode;
  char image[64], end[8];
  if (fd >= 0 || errno != ENOENT || !is_criu || sscanf(path, "pagemap-shmem-%" SCNu64 ".%4s", &inode, end) != 2) return fd;
  snprintf(image, sizeof image, "shared-%" PRIu64 ".img", inode);
  fd = (int)syscall(SYS_openat, folder, image, flags, mode);
  if (fd < 0 || (segment_is_attached(inode) ? segment_fill(take_object(folder, inode)) : adopt(folder, inode))) return fd;
  close(fd);
  errno = ENODATA;
  return -1;
}
EXPORT int openat(int folder, const char *path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  unsigned mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, unsigned) : 0;
  va_end(more);
  return openat64(folder, path, flags, mode);
}
