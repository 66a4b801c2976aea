#define _GNU_SOURCE
#include "store.h"
#include "fail.h"
#include "places.h"
#include "socket.h"
#include "tracking/kernel.h"
#include "wire.h"
#include "wire/blocks.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The descriptor of the connection with the source.
enum { source = 3 };

/** To the agent. */
static void tell(enum word word, uint64_t task, uint64_t first, uint32_t pages) {
  struct frame frame = turned((struct frame){.word = word, .count = pages, .task = task, .first = first});
  fwrite(&frame, sizeof frame, 1, stdout);
}

static void tell_same(uint64_t task, uint64_t first, uint32_t pages, uint64_t as) {
  struct frame frame = turned((struct frame){.word = word_same, .count = pages, .task = task, .first = first, .number = as});
  fwrite(&frame, sizeof frame, 1, stdout);
}

/** Answers with the runs of these pages that never came, and those that another process has. An object is there, or it is not. */
static void look_for(const struct frame *frame) {
  static const struct copy nothing;
  const struct place *it = place_find(frame->task);
  if (it && it->task >= shared_objects) return;
  const struct copy *told = it ? &it->told : &nothing;
  for (uint64_t at = frame->first, end = at + frame->count; at < end;) {
    uint64_t missing = copy_first(told, at, end, 0), after = copy_first(told, missing, end, 1);
    if (missing < end) tell(word_missing, frame->task, missing, after - missing);
    at = after;
  }
  if (it) places_tell_same(it, frame->first, frame->first + frame->count, tell_same);
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
    place_pages(&frame, bytes + sizeof frame);
    break;
  case word_zeros:
    place_zeros(&frame);
    break;
  case word_object:
    memcpy(name, bytes + sizeof frame, rest);
    name[rest] = 0;
    place_object(frame.task, frame.first, name);
    break;
  case word_hashes:
    place_compare(&frame, bytes + sizeof frame);
    break;
  case word_same:
    place_same(&frame);
    break;
  case word_missing:
    place_give_up(&frame);
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
  const struct place *it = place_find(shared_objects + inode);
  return it ? it->fd : -1;
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
  places_begin(at, socket != NULL);
  // Every question is taken when poll() tells of it.
  setvbuf(stdin, NULL, _IONBF, 0);
  static const struct answers answers = {object_of, places_charge};
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
