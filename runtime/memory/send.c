#define _GNU_SOURCE
#include "send.h"
#include "tracking/kernel.h"
#include "hash.h"
#include "objects.h"
#include "orders.h"
#include "tracking/pinned.h"
#include "tracking/sharing.h"
#include "tracking/tracker.h"
#include "wire.h"
#include "wire/blocks.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_PAGES = 64 };

static struct tracked *all;
static size_t count;

static struct tracked *find(pid_t pid) {
  for (size_t i = 0; i < count; i++)
    if (all[i].pid == pid) return &all[i];
  return NULL;
}

static struct tracked *find_or_add(pid_t pid) {
  struct tracked *known = find(pid);
  if (known) return known;
  struct tracked *more = realloc(all, (count + 1) * sizeof *more);
  if (!more) abort();
  all = more;
  all[count] = (struct tracked){.pid = pid, .uffd = -1};
  return &all[count++];
}

/** One round of one process. */
struct round {
  struct tracked *of;
  uint64_t task;
  int memory;
  // Only the numbers of what has changed are sent: its contents follow another way.
  int only_names;
  // Only what other processes map too is sent.
  int only_shared;
  struct sharing sharing;
  uint64_t parents_task;
  uint64_t pages;
};

/** Reads and sends pages. What was there and cannot be read is gone by now: the next round sees it. */
static void send_contents(struct round *round, uint64_t at, uint64_t end) {
  static char bytes[PIECE_PAGES * PAGE] __attribute__((aligned(PAGE)));
  while (at < end) {
    size_t wanted = end - at < PIECE_PAGES ? end - at : PIECE_PAGES;
    ssize_t read = pread(round->memory, bytes, wanted * PAGE, (off_t)(at * PAGE));
    size_t pages = read < 0 ? 0 : (size_t)read / PAGE;
    wire_pages(round->task, at, bytes, pages);
    round->pages += pages;
    at += pages;
    if (pages == wanted) continue;
    // One of these pages is gone, and those after it may be there.
    copy_forget(&round->of->copy, at, at + 1);
    wire_frame(word_missing, round->task, at, 1);
    at++;
  }
}

/** Pages that the parent has shared with the process by copy-on-write are sent once. */
static int send_run(const struct run *run, void *to) {
  struct round *round = to;
  if (!run->is_sent) {
    wire_frame(word_zeros, round->task, run->first, run->count);
    return 0;
  }
  if (round->only_names) {
    wire_frame(word_missing, round->task, run->first, run->count);
    copy_forget(&round->of->copy, run->first, run->first + run->count);
    round->pages += run->count;
    return 0;
  }
  enum page_kind kind;
  for (uint64_t at = run->first, end = at + run->count, next; at < end; at = next) {
    next = at + sharing_run(&round->sharing, at, end - at, &kind);
    if (kind == SAME_AS_PARENT) wire_same(round->task, at, next - at, round->parents_task);
    else if (kind == MAPPED_ONCE && round->only_shared) copy_forget(&round->of->copy, at, next);
    else send_contents(round, at, next);
  }
  return 0;
}

/** Sends what pages hold that the destination has. Under the freeze none of them is gone. */
static int send_hashes_of(const struct run *run, void *to) {
  struct round *round = to;
  static char bytes[PIECE_PAGES * PAGE] __attribute__((aligned(PAGE)));
  uint64_t hashes[PIECE_PAGES];
  for (uint64_t at = run->first, end = at + run->count; at < end;) {
    size_t pages = end - at < PIECE_PAGES ? end - at : PIECE_PAGES;
    if (pread(round->memory, bytes, pages * PAGE, (off_t)(at * PAGE)) != (ssize_t)(pages * PAGE)) return -EFAULT;
    for (size_t i = 0; i < pages; i++) hashes[i] = page_hash(bytes + i * PAGE);
    wire_frame(word_hashes, round->task, at, pages);
    blocks_write(hashes, pages * sizeof *hashes);
    round->pages += pages;
    at += pages;
  }
  return 0;
}

static int send_hashes(pid_t pid, uint64_t task, uint64_t *pages) {
  struct round round = {.of = find_or_add(pid), .task = task, .memory = open_proc(pid, "mem", O_RDONLY)};
  if (round.memory < 0) return round.memory;
  int error = copy_had(&round.of->copy, send_hashes_of, &round);
  close(round.memory);
  *pages = round.pages;
  return error;
}

static int send_process(pid_t pid, uint64_t task, const char *state, pid_t parent, uint64_t parents_task, uint64_t *pages) {
  struct round round = {
      .of = find_or_add(pid),
      .task = task,
      .memory = open_proc(pid, "mem", O_RDONLY),
      .only_names = !strcmp(state, "named"),
      .only_shared = !strcmp(state, "shared"),
      .parents_task = parents_task,
  };
  if (round.memory < 0) return round.memory;
  int is_live = !strcmp(state, "live") || round.only_shared;
  int error = sharing_begin(&round.sharing, pid, parent ? find(parent) : NULL, is_live);
  if (!error) error = track_round(round.of, !is_live, send_run, &round);
  sharing_end(&round.sharing);
  close(round.memory);
  *pages = round.pages;
  return error;
}

static int begin(pid_t pid) {
  struct tracked *known = find(pid);
  if (known) track_end(known);
  return track(known ? known : find_or_add(pid), pid);
}

static unsigned char *key_of(const char *hex, unsigned char *key) {
  for (int i = 0; i < key_bytes; i++)
    if (sscanf(hex + 2 * (size_t)i, "%2hhx", &key[i]) != 1) return NULL;
  return key;
}

/** To the store on another host, whose agent knows the ticket, and which has the same key. */
static int connect_to(const char *host, const char *port, const char *ticket, const char *hex, int level) {
  unsigned char key[key_bytes];
  if (!key_of(hex, key)) return -EINVAL;
  int fd = connect_to_host(host, port, ticket);
  if (fd < 0) return fd;
  struct connection *made = connection_of(fd, key, 0);
  explicit_bzero(key, sizeof key);
  if (made) blocks_through(made, level);
  return made ? 0 : -ECONNREFUSED;
}

/** To a store on this host. */
static int connect_to_store(const char *path) {
  int fd = connect_here(path);
  if (fd >= 0) blocks_through(connection_of(fd, NULL, 0), compress_off);
  return fd < 0 ? fd : 0;
}

/** Ends a round: everything has arrived when the store has answered. */
static void end_round(void) {
  struct frame done;
  wire_frame(word_go, 0, 0, 0);
  blocks_flush();
  for (size_t got = 0; got < sizeof done;) {
    ssize_t more = blocks_read((char *)&done + got, sizeof done - got);
    if (more <= 0) exit(EPIPE);
    got += (size_t)more;
  }
  if (turned(done).word != word_done) exit(EPIPE);
}

static int needs_connection(const char *order) {
  return !strncmp(order, "send", 4) || !strncmp(order, "hashes", 6) || !strcmp(order, "go");
}

int send_memory(void) {
  char *line = NULL, word[16], host[64], port[8], ticket[80], key[80];
  size_t room = 0;
  report_and_obey();
  while (getline(&line, &room, stdin) > 0) {
    int pid, level, parent = 0, status = 0;
    uint64_t task, parents_task = 0, pages = 0;
    line[strcspn(line, "\n")] = 0;
    if (needs_connection(line) && !blocks_go()) status = -ENOTCONN;
    else if (sscanf(line, "connect %63s %7s %79s %79s %d", host, port, ticket, key, &level) == 5)
      status = connect_to(host, port, ticket, key, level);
    else if (!strncmp(line, "connect-here ", 13)) status = connect_to_store(line + 13);
    else if (!strcmp(line, "check")) pages = track_check();
    else if (sscanf(line, "track %d", &pid) == 1) status = begin(pid);
    else if (sscanf(line, "pinned %d", &pid) == 1) pages = is_pinned(pid);
    else if (sscanf(line, "count %d", &pid) == 1) status = track_count(find_or_add(pid), &pages);
    else if (sscanf(line, "send %d %" SCNu64 " %15s %d %" SCNu64, &pid, &task, word, &parent, &parents_task) >= 3)
      status = send_process(pid, task, word, parent, parents_task, &pages);
    else if (sscanf(line, "hashes %d %" SCNu64, &pid, &task) == 2) status = send_hashes(pid, task, &pages);
    else if (!strcmp(line, "hashes-of-objects")) objects_send_hashes(&pages);
    else if (!strcmp(line, "objects")) objects_begin();
    else if (sscanf(line, "objects-of %d", &pid) == 1) status = objects_of(pid);
    else if (!strcmp(line, "send-objects")) status = objects_send(&pages);
    else if (!strcmp(line, "count-objects")) status = objects_count(&pages);
    else if (!strncmp(line, "list-objects ", 13)) status = objects_list(line + 13);
    else if (!strcmp(line, "go")) end_round();
    else status = -EINVAL;
    if (blocks_go()) blocks_flush();
    answer(status, pages);
  }
  free(line);
  return 0;
}
