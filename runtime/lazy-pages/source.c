#define _GNU_SOURCE
#include "source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../frames/frames.h"
#include "put.h"

int source_listener = -1, source_connection = -1;

static bool going;
static struct frame header;
static char pages[most_pages * page_bytes] __attribute__((aligned(page_bytes)));
static size_t header_bytes, pages_bytes;
static char *unsaid;
static size_t unsaid_bytes, unsaid_room, said_bytes;
// The source limits the bytes on their way, so it must learn soon what has arrived.
static const size_t arrived_every_bytes = 128 * 1024;
static size_t untold_bytes;
static uint64_t arrived;
static const int patience_ms = 5000;

int listen_at(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  strncpy(address.sun_path, name, sizeof address.sun_path - 1);
  unlink(name);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8)) fail(name);
  return listener;
}

void listen_for_source(const char *name) { source_listener = listen_at(name); }

static void say(enum word word, uint64_t number, uint64_t task, uint64_t first, uint32_t count) {
  if (source_connection < 0) return;
  while (unsaid_bytes + sizeof(struct frame) > unsaid_room) unsaid = more(unsaid, &unsaid_room, unsaid_room, 1);
  struct frame frame = turned((struct frame){word, count, task, first, number});
  memcpy(unsaid + unsaid_bytes, &frame, sizeof frame);
  unsaid_bytes += sizeof frame;
}

static void lose_source(void) {
  if (source_connection >= 0) close(source_connection);
  source_connection = -1;
  header_bytes = pages_bytes = unsaid_bytes = said_bytes = untold_bytes = 0;
}

// Finds the pages of a piece that are missing in any memory of its task, also if CRIU has not sent that memory yet.
static void gather(const struct task *task, const struct piece *piece, uint8_t *states) {
  memset(states, task->begun ? there : missing, piece->count);
  for (size_t s = 0; s < space_count; s++) {
    const struct space *space = &spaces[s];
    if (space->fd < 0 || space->task != task) continue;
    uint64_t page = piece->first;
    while (page < piece->first + piece->count) {
      const struct piece *part = piece_from(space->pieces, space->count, page);
      if (!part || part->first >= piece->first + piece->count) break;
      if (part->first > page) page = part->first;
      for (; page < piece->first + piece->count && page < part->first + part->count; page++) {
        uint8_t state = part->states[page - part->first];
        if (state > states[page - piece->first]) states[page - piece->first] = state;
      }
    }
  }
}

// Tells a new connection all missing pages, because it does not know what earlier ones have sent.
static void tell_missing(const struct task *tasks, size_t count) {
  uint64_t longest = 1;
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < tasks[t].count; i++)
      if (tasks[t].pieces[i].count > longest) longest = tasks[t].pieces[i].count;
  uint8_t *states = malloc(longest);
  if (!states) fail("memory");
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < tasks[t].count; i++) {
      const struct piece *piece = &tasks[t].pieces[i];
      if (piece->file >= 0) continue;
      gather(&tasks[t], piece, states);
      for (uint64_t at = 0, run; at < piece->count; at += run) {
        for (run = 1; at + run < piece->count && !states[at + run] == !states[at] && run < UINT32_MAX;) run++;
        if (states[at] == there) continue;
        say(word_missing, 0, tasks[t].id, piece->first + at, (uint32_t)run);
        for (uint64_t j = at; j < at + run; j++)
          if (states[j] == wanted) want(&tasks[t], piece->first + j);
      }
    }
  free(states);
  if (going) say(word_go, 0, 0, 0, 0);
}

void accept_source(const struct task *tasks, size_t count) {
  int connection = accept4(source_listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) return;
  lose_source();
  source_connection = connection;
  tell_missing(tasks, count);
}

void tell_go(void) {
  going = true;
  say(word_go, 0, 0, 0, 0);
}

void want(const struct task *task, uint64_t page) { say(word_want, 0, task->id, page, 1); }

bool source_waits_to_hear(void) { return said_bytes < unsaid_bytes; }

void tell_source(void) {
  while (said_bytes < unsaid_bytes) {
    ssize_t done = send(source_connection, unsaid + said_bytes, unsaid_bytes - said_bytes, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EAGAIN) return;
    if (done < 0) return lose_source();
    said_bytes += (size_t)done;
  }
  said_bytes = unsaid_bytes = 0;
}

// Reads more of `want` bytes, of which `*have` are there. Returns whether all of them are there now.
static bool receive(char *into, size_t *have, size_t want) {
  while (*have < want) {
    ssize_t got = recv(source_connection, into + *have, want - *have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
      lose_source();
      return false;
    }
    *have += (size_t)got;
  }
  return true;
}

void hear_source(void) {
  if (!receive((char *)&header, &header_bytes, sizeof header)) return;
  struct frame frame = turned(header);
  bool full = frame.word == word_pages;
  size_t bytes = full ? frame.count * (size_t)page_bytes : 0;
  if ((!full && frame.word != word_zeros) || (full && frame.count > most_pages)) fail("the source does not speak of pages");
  if (full && !receive(pages, &pages_bytes, bytes)) return;
  header_bytes = pages_bytes = 0;
  // A fork meanwhile adds a memory at the end, which lacks these pages too.
  for (size_t s = 0; s < space_count; s++)
    if (spaces[s].fd >= 0 && spaces[s].task->id == frame.task) fill(s, frame.first, frame.count, full ? pages : NULL);
  arrived = frame.number;
  untold_bytes += bytes + sizeof frame;
  if (untold_bytes >= arrived_every_bytes) tell_arrived();
}

bool source_awaits_arrival(void) { return untold_bytes > 0; }

void tell_arrived(void) {
  untold_bytes = 0;
  say(word_arrived, arrived, 0, 0, 0);
}

void tell_done(void) {
  say(word_done, 0, 0, 0, 0);
  // Pages that still arrive are not needed. But they must be read: the kernel drops what was sent if a socket closes with unread data.
  while (source_connection >= 0) {
    struct pollfd soon = {source_connection, POLLIN | (source_waits_to_hear() ? POLLOUT : 0), 0};
    if (poll(&soon, 1, patience_ms) <= 0) return;
    if (source_waits_to_hear()) tell_source();
    ssize_t got = recv(source_connection, pages, sizeof pages, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}
