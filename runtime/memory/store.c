#define _GNU_SOURCE
#include "store.h"
#include "hash.h"
#include "same.h"
#include "tracking/kernel.h"
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *folder;
static struct places all;

static _Noreturn void fail(const char *what) {
  int error = errno;
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(error > 0 && error < 126 ? error : 1);
}

static struct place *find(uint64_t task) { return place_find(&all, task); }

static struct place *add(uint64_t task, int fd) {
  if (fd < 0) fail("a place for memory");
  struct place *more = realloc(all.list, (all.count + 1) * sizeof *more);
  if (!more) fail("a place for memory");
  all.list = more;
  more[all.count] = (struct place){.task = task, .fd = fd};
  return &more[all.count++];
}

/** A process has a sparse file, in which each page lies at its own address. */
static struct place *place_of(uint64_t task) {
  struct place *known = find(task);
  if (known) return known;
  char path[4096];
  if (task >= shared_objects) {
    errno = EPROTO;
    fail("memory of an object that was not declared");
  }
  snprintf(path, sizeof path, "%s/%" PRIu64 ".memory", folder, task);
  return add(task, open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static void take_object(uint64_t task, uint64_t size, const char *name) {
  struct place *it = find(task);
  // The restore adds the seal against seals where the original had it.
  if (!it) it = add(task, memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (ftruncate(it->fd, (off_t)size)) fail("shared memory");
}

/** The place of these pages, whose contents change now. */
static struct place *changing_place(const struct frame *frame) {
  struct place *it = place_of(frame->task);
  errno = -same_before_change(&all, it, frame->first, frame->first + frame->count);
  if (errno) fail("memory that is shared by copy-on-write");
  return it;
}

static void take_pages(const struct frame *frame, const char *bytes) {
  struct place *it = changing_place(frame);
  size_t left = (size_t)frame->count * PAGE;
  off_t at = (off_t)(frame->first * PAGE);
  struct stat about;
  // The last page of an object may lie beyond its end.
  if (it->task >= shared_objects && !fstat(it->fd, &about) && at + (off_t)left > about.st_size) left = at < about.st_size ? about.st_size - at : 0;
  while (left > 0) {
    ssize_t written = pwrite(it->fd, bytes, left, at);
    if (written < 0 && errno != EINTR) fail("memory");
    if (written <= 0) continue;
    bytes += written;
    left -= (size_t)written;
    at += written;
  }
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

/** Zeros are holes. */
static void take_zeros(const struct frame *frame) {
  struct place *it = changing_place(frame);
  off_t at = (off_t)(frame->first * PAGE), length = (off_t)frame->count * PAGE;
  struct stat file;
  // A hole behind the end of a file could not be read.
  if (it->task < shared_objects && !fstat(it->fd, &file) && file.st_size < at + length && ftruncate(it->fd, at + length)) fail("memory");
  off_t data = lseek(it->fd, at, SEEK_DATA);
  if (data >= 0 && data < at + length && fallocate(it->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length)) fail("memory");
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

/** These pages are there already, with another process. */
static void take_same(const struct frame *frame) {
  take_zeros(frame);
  errno = -same_take(&all, place_of(frame->task), frame->first, frame->first + frame->count, frame->number);
  if (errno) fail("pages that are those of another process");
}

/** What is there must be what the source has. */
static void compare(const struct frame *frame, const char *hashes) {
  const struct place *it = place_of(frame->task);
  for (uint64_t i = 0; i < frame->count; i++) {
    char page[PAGE] = {0}, what[64];
    uint64_t hash;
    memcpy(&hash, hashes + i * sizeof hash, sizeof hash);
    if (same_read(&all, it, frame->first + i, page)) fail("memory");
    if (page_hash(page) == hash) continue;
    snprintf(what, sizeof what, "page %" PRIx64 " of %s %" PRIu64, frame->first + i, it->task < shared_objects ? "process" : "object",
             it->task & (shared_objects - 1));
    errno = EBADMSG;
    fail(what);
  }
}

/** What is there of these pages is old. */
static void give_up(const struct frame *frame) {
  take_zeros(frame);
  copy_forget(&place_of(frame->task)->told, frame->first, frame->first + frame->count);
}

/** Answers with the runs of these pages that never came, and those that another process has. An object is there, or it is not. */
static void look_for(const struct frame *frame) {
  static const struct copy nothing;
  const struct place *it = find(frame->task);
  if (it && it->task >= shared_objects) return;
  const struct copy *told = it ? &it->told : &nothing;
  for (uint64_t at = frame->first, end = at + frame->count; at < end;) {
    uint64_t missing = copy_first(told, at, end, 0), after = copy_first(told, missing, end, 1);
    if (missing < end) wire_frame(word_missing, frame->task, missing, after - missing);
    at = after;
  }
  if (it) same_tell(&all, it, frame->first, frame->first + frame->count);
}

/** Takes one frame, of which all has arrived. @returns its bytes, or 0 where more of it must come first. */
static size_t take_frame(const char *bytes, size_t there) {
  struct frame frame;
  if (there < sizeof frame) return 0;
  memcpy(&frame, bytes, sizeof frame);
  frame = turned(frame);
  size_t rest = frame.word == word_pages    ? (size_t)frame.count * PAGE
                : frame.word == word_hashes ? (size_t)frame.count * sizeof(uint64_t)
                : frame.word == word_object ? frame.count
                                            : 0;
  char name[256];
  if (((frame.word == word_pages || frame.word == word_hashes) && frame.count > most_pages) || (frame.word == word_object && frame.count >= sizeof name)) {
    errno = EPROTO;
    fail("bytes that are no frame of memory");
  }
  if (there < sizeof frame + rest) return 0;
  switch (frame.word) {
  case word_pages:
    take_pages(&frame, bytes + sizeof frame);
    break;
  case word_zeros:
    take_zeros(&frame);
    break;
  case word_object:
    memcpy(name, bytes + sizeof frame, rest);
    name[rest] = 0;
    take_object(frame.task, frame.first, name);
    break;
  case word_hashes:
    compare(&frame, bytes + sizeof frame);
    break;
  case word_same:
    take_same(&frame);
    break;
  case word_missing:
    give_up(&frame);
    break;
  case word_want:
    look_for(&frame);
    break;
  case word_go:
    wire_frame(word_done, 0, 0, 0);
    break;
  default:
    errno = EPROTO;
    fail("a frame that does not belong to a round of memory");
  }
  return sizeof frame + rest;
}

/** @returns 0 at the end of the input */
static int take_input(void) {
  static char bytes[sizeof(struct frame) + most_pages * PAGE + (1 << 20)];
  static size_t there;
  ssize_t read_bytes = read(STDIN_FILENO, bytes + there, sizeof bytes - there);
  if (read_bytes < 0 && errno != EINTR && errno != EAGAIN) fail("input");
  if (read_bytes == 0) return 0;
  if (read_bytes > 0) there += (size_t)read_bytes;
  size_t at = 0;
  for (size_t taken; (taken = take_frame(bytes + at, there - at)); at += taken) continue;
  memmove(bytes, bytes + at, there -= at);
  wire_flush();
  return 1;
}

/** Gives CRIU (its library, runtime/criu) a descriptor of an object that it asks for by the number of its inode. */
static void hand_out(int listener) {
  int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  uint64_t inode;
  if (connection < 0) return;
  if (recv(connection, &inode, sizeof inode, MSG_WAITALL) == sizeof inode) {
    const struct place *it = find(shared_objects + inode);
    char there = it != NULL, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&there, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (it) {
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      struct cmsghdr *header = CMSG_FIRSTHDR(&message);
      *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
      memcpy(CMSG_DATA(header), &it->fd, sizeof(int));
    }
    sendmsg(connection, &message, MSG_NOSIGNAL);
  }
  close(connection);
}

static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    fail(path);
  }
  strcpy(address.sun_path, path);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // CRIU may ask as the root of a user namespace. Only root can reach the folder.
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || chmod(path, 0666) || listen(listener, 8)) fail(path);
  return listener;
}

int store_memory(const char *at, const char *socket) {
  folder = at;
  wire_fd = STDOUT_FILENO;
  struct pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {listen_at(socket), POLLIN, 0}};
  for (;;) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) fail("poll");
    if (watched[1].revents) hand_out(watched[1].fd);
    if (watched[0].revents && !take_input()) return 0;
  }
}
