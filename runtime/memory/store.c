#define _GNU_SOURCE
#include "store.h"
#include "charge.h"
#include "hash.h"
#include "socket.h"
#include "tracking/copy.h"
#include "tracking/kernel.h"
#include "wire.h"
#include "wire/blocks.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/** Where the memory of a process, or a shared object, lies. */
struct place {
  uint64_t task;
  int fd;
  // The pages of which the source has told what they hold.
  struct copy told;
  // Of an object.
  struct charges charges;
};

// The descriptor of the connection with the source.
enum { source = 3 };

static const char *folder;
/** Where CRIU asks for shared objects. Without it they are files. */
static const char *asked_at;
static struct place *all;
static size_t count;

/** Keeps the connection open until the agent knows why it ends, and closes the standard input: then the source may ask. */
static void hold_connection(void) {
  if (fork() != 0) return;
  close(STDOUT_FILENO);
  close(STDERR_FILENO);
  for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) continue;
  _exit(0);
}

static _Noreturn void fail(const char *what) {
  int error = errno;
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  hold_connection();
  exit(error > 0 && error < 126 ? error : 1);
}

static struct place *find(uint64_t task) {
  for (size_t i = 0; i < count; i++)
    if (all[i].task == task) return &all[i];
  return NULL;
}

static struct place *add(uint64_t task, int fd) {
  if (fd < 0) fail("a place for memory");
  struct place *more = realloc(all, (count + 1) * sizeof *more);
  if (!more) fail("a place for memory");
  all = more;
  all[count] = (struct place){.task = task, .fd = fd};
  return &all[count++];
}

static int make_file(uint64_t number, const char *kind) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%" PRIu64 ".%s", folder, number, kind);
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

/** A process has a sparse file, in which each page lies at its own address. */
static struct place *place_of(uint64_t task) {
  struct place *known = find(task);
  if (known) return known;
  if (task >= shared_objects) {
    errno = EPROTO;
    fail("memory of an object that was not declared");
  }
  return add(task, make_file(task, "memory"));
}

static void take_object(uint64_t task, uint64_t size, const char *name) {
  struct place *it = find(task);
  // The restore adds the seal against seals where the original had it.
  if (!it) it = add(task, asked_at ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : make_file(task - shared_objects, "object"));
  struct stat before;
  if (fstat(it->fd, &before) || ftruncate(it->fd, (off_t)size)) fail("shared memory");
  // What it loses at its end is a hole if it grows again.
  uint64_t pages = (size + PAGE - 1) / PAGE, had = ((uint64_t)before.st_size + PAGE - 1) / PAGE;
  if (pages < had) charges_forget(&it->charges, pages, had);
}

static void take_pages(const struct frame *frame, const char *bytes) {
  struct place *it = place_of(frame->task);
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
  if (it->task >= shared_objects) charges_note(&it->charges, frame->first, frame->first + frame->count);
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

/** Zeros are holes. */
static void take_zeros(const struct frame *frame) {
  struct place *it = place_of(frame->task);
  off_t at = (off_t)(frame->first * PAGE), length = (off_t)frame->count * PAGE;
  off_t data = lseek(it->fd, at, SEEK_DATA);
  if (data >= 0 && data < at + length) {
    if (fallocate(it->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length)) fail("memory");
    charges_forget(&it->charges, frame->first, frame->first + frame->count);
  }
  copy_add(&it->told, frame->first, frame->first + frame->count);
}

/** What is there must be what the source has. */
static void compare(const struct frame *frame, const char *hashes) {
  const struct place *it = place_of(frame->task);
  for (uint64_t i = 0; i < frame->count; i++) {
    char page[PAGE] = {0}, what[64];
    uint64_t hash;
    memcpy(&hash, hashes + i * sizeof hash, sizeof hash);
    if (pread(it->fd, page, PAGE, (off_t)((frame->first + i) * PAGE)) < 0) fail("memory");
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

/** To the agent. */
static void tell(enum word word, uint64_t task, uint64_t first, uint32_t pages) {
  struct frame frame = turned((struct frame){.word = word, .count = pages, .task = task, .first = first});
  fwrite(&frame, sizeof frame, 1, stdout);
}

/** Answers with the runs of these pages that never came. An object has no pages to ask for: it is there, or it is not. */
static void look_for(const struct frame *frame) {
  static const struct copy nothing;
  const struct place *it = find(frame->task);
  if (it && it->task >= shared_objects) return;
  const struct copy *told = it ? &it->told : &nothing;
  for (uint64_t at = frame->first, end = at + frame->count; at < end;) {
    uint64_t missing = copy_first(told, at, end, 0), after = copy_first(told, missing, end, 1);
    if (missing < end) tell(word_missing, frame->task, missing, after - missing);
    at = after;
  }
}

// Whether a round has begun and not ended.
static int is_open;

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
  is_open = frame.word != word_go;
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
  case word_missing:
    give_up(&frame);
    break;
  case word_go:
    wire_frame(word_done, 0, 0, 0);
    blocks_flush();
    break;
  default:
    errno = EPROTO;
    fail("a frame that does not belong to a round of memory");
  }
  return sizeof frame + rest;
}

/** Takes what has come from the source. @returns 0 at the end */
static int take_round(void) {
  static char bytes[sizeof(struct frame) + most_pages * PAGE + (1 << 20)];
  static size_t there;
  ssize_t got = blocks_read(bytes + there, sizeof bytes - there);
  if (got <= 0 && !is_open) return 0;
  errno = EPIPE;
  if (got <= 0) fail("a round of memory did not arrive whole");
  there += (size_t)got;
  size_t at = 0;
  for (size_t taken; (taken = take_frame(bytes + at, there - at));) at += taken;
  memmove(bytes, bytes + at, there -= at);
  is_open |= there > 0;
  return 1;
}

/** Takes what the agent asks: `want` frames, and `go` at their end. @returns 0 at the end */
static int take_question(void) {
  struct frame frame;
  size_t got = fread(&frame, 1, sizeof frame, stdin);
  if (got < sizeof frame) return 0;
  frame = turned(frame);
  errno = EPIPE;
  if (is_open) fail("a round of memory did not arrive whole");
  if (frame.word == word_want) look_for(&frame);
  else tell(word_done, 0, 0, 0);
  if (frame.word != word_want) fflush(stdout);
  return 1;
}

static int object_of(uint64_t inode) {
  const struct place *it = find(shared_objects + inode);
  return it ? it->fd : -1;
}

static int charge_objects(const char *cgroup) {
  struct charged_object objects[count + 1];
  int there = 0;
  for (size_t i = 0; i < count; i++)
    if (all[i].task >= shared_objects) objects[there++] = (struct charged_object){all[i].fd, &all[i].charges};
  int error = charge(cgroup, objects, there);
  if (error != -EIO) return error;
  errno = EIO;
  fail("shared memory was lost while the container was charged with it");
}

/** The connection that the agent has accepted, of a source that knows the key: that stands first in the input, unless it is plain. */
static void take_connection(int is_plain) {
  unsigned char key[key_bytes];
  if (!is_plain && fread(key, sizeof key, 1, stdin) != 1) exit(EPIPE);
  int flags = fcntl(source, F_GETFL);
  fcntl(source, F_SETFL, flags & ~O_NONBLOCK);
  if (!is_plain) greet(source);
  struct connection *made = connection_of(source, is_plain ? NULL : key, 1);
  explicit_bzero(key, sizeof key);
  errno = EPIPE;
  if (!made) fail("the source has another key");
  blocks_through(made, compress_off);
}

int store_memory(const char *at, const char *socket, int is_plain) {
  folder = at;
  asked_at = socket;
  // Every question is taken when poll() tells of it.
  setvbuf(stdin, NULL, _IONBF, 0);
  static const struct answers answers = {object_of, charge_objects};
  struct pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {socket ? socket_at(socket) : -1, POLLIN, 0}, {source, POLLIN, 0}};
  if (socket && watched[1].fd < 0) fail(socket);
  take_connection(is_plain);
  for (;;) {
    int holds = watched[2].fd >= 0 && blocks_hold();
    if (poll(watched, 3, holds ? 0 : -1) < 0 && errno != EINTR) fail("poll");
    if (watched[1].revents) socket_answer(watched[1].fd, &answers);
    // After the last round the source may go. What has come stays.
    if ((holds || watched[2].revents) && !take_round()) watched[2].fd = -1;
    if (watched[0].revents && !take_question()) return 0;
  }
}
