// godwit-lazy-pages CGROUP WORK: puts memory into a restored container while it runs. CGROUP is the folder of the container's
// cgroup (version 2), or of its freezer cgroup (version 1); it need not exist yet.
//
// It is started early, and waits for its orders on its standard input. If the input ends before the order `end`, the program ends
// silently with status 0. Each order is a line:
//   file PATH                            a file of this host that holds pages; files are numbered from 0
//   task PID                             the runs that follow are memory of this process, in rising order
//   run FIRST COUNT [FILE OFFSET]        missing pages: number of the first one, and how many. Their contents are in a file from an
//                                        offset in bytes on; without a file they come from the source
//   withheld FIRST COUNT                 pages that a child of this process does not inherit (MADV_WIPEONFORK, MADV_DONTFORK)
//   end
// Then it listens in the folder WORK: for CRIU at lazy-pages.socket, like CRIU's own lazy-pages daemon, and for the agent, any number
// of times, at pages.socket. It prints "ready". Before that it makes the file WORK/draining. When every page is in the container, it
// renames the file to WORK/drained and ends with status 0. If WORK/draining exists and no process of this program is left, the memory
// is lost. The program does not need the agent, and outlives it. Errors are in WORK/lazy-pages.log.
//
// A page that has not arrived must not read as anything else. It would read as zeros as soon as no process holds the userfaultfd of its
// memory. So there are two processes with one table of descriptors. If the working process ends too early, the other one, the guard,
// kills the container and holds the userfaultfds until no process of the container is left.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "memory.h"
#include "put.h"
#include "restore.h"
#include "source.h"

enum { copied_pages = 256 };

static struct task *tasks;
static size_t task_count, task_room, piece_room;
static int *files;
static size_t file_count, file_room;
static bool remote;
static volatile pid_t worker;
static const char draining[] = "draining", drained[] = "drained";

static void take_run(const char *line) {
  struct task *task = task_count > 0 ? &tasks[task_count - 1] : NULL;
  struct piece piece = {.file = -1};
  int given = sscanf(line, "run %lu %lu %d %lu", &piece.first, &piece.count, &piece.file, &piece.offset);
  bool local = given == 4 && piece.file >= 0 && (size_t)piece.file < file_count;
  if (!task || piece.count == 0 || !(given == 2 || local)) fail(line);
  remote |= !local;
  task->pieces = more(task->pieces, &piece_room, task->count, sizeof piece);
  task->pieces[task->count++] = piece;
}

static void take_withheld(const char *line) {
  struct task *task = task_count > 0 ? &tasks[task_count - 1] : NULL;
  struct range range;
  if (!task || sscanf(line, "withheld %lu %lu", &range.first, &range.count) != 2) fail(line);
  task->withheld = more(task->withheld, &task->withheld_room, task->withheld_count, sizeof range);
  task->withheld[task->withheld_count++] = range;
}

// Returns whether all orders came, up to `end`.
static bool take_orders(void) {
  char *line = NULL;
  size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;) {
    line[length - 1] = 0;
    if (strcmp(line, "end") == 0) return true;
    if (strncmp(line, "run ", 4) == 0) take_run(line);
    else if (strncmp(line, "withheld ", 9) == 0) take_withheld(line);
    else if (strncmp(line, "task ", 5) == 0) {
      tasks = more(tasks, &task_room, task_count, sizeof *tasks);
      tasks[task_count++] = (struct task){.id = strtoul(line + 5, NULL, 10)};
      piece_room = 0;
    } else if (strncmp(line, "file ", 5) == 0) {
      files = more(files, &file_room, file_count, sizeof *files);
      files[file_count] = open(line + 5, O_RDONLY | O_CLOEXEC);
      if (files[file_count++] < 0) fail(line + 5);
    } else fail(line);
  }
  return false;
}

// Brings pages from a file of this host, at most copied_pages. `at` is the index of the first one in the piece.
static void bring(size_t space, const struct piece *piece, uint64_t at, uint64_t count) {
  static char bytes[copied_pages * page_bytes] __attribute__((aligned(page_bytes)));
  uint64_t first = piece->first + at;
  if (count > copied_pages) count = copied_pages;
  size_t want = count * page_bytes, got = 0;
  while (got < want) {
    ssize_t done = pread(files[piece->file], bytes + got, want - got, (off_t)(piece->offset + at * page_bytes + got));
    if (done <= 0) fail("the images of memory are not whole");
    got += (size_t)done;
  }
  fill(space, first, count, bytes);
}

static void serve_faults(void) {
  // More faults may come while these are served.
  for (size_t i = 0; i < fault_count; i++) {
    struct fault fault = faults[i];
    struct space *space = &spaces[fault.space];
    if (fault.over || space->fd < 0) continue;
    struct piece *piece = piece_now(space, fault.page);
    uint64_t at = piece ? fault.page - piece->first - piece->moved : 0;
    if (!piece || piece->file >= 0) {
      if (piece) bring(fault.space, piece, at, 1);
      else zero(fault.space, fault.page);
      note_served(&spaces[fault.space].entry);
      // The program may have moved something meanwhile: whoever waits looks again.
      if (piece_now(&spaces[fault.space], fault.page)) wake(&spaces[fault.space], fault.page, 1);
    } else if (piece->states[at] == missing) {
      piece->states[at] = wanted;
      want(space->task, piece->first + at);
    }
    faults[i].over = true;
  }
  fault_count = 0;
}

// Brings the next missing pages from files of this host. Returns whether there were any.
static bool bring_next(void) {
  static size_t space, piece;
  for (; space < space_count; space++, piece = 0) {
    for (; spaces[space].fd >= 0 && piece < spaces[space].count; piece++) {
      const struct piece *here = &spaces[space].pieces[piece];
      if (here->file < 0 || here->left == 0) continue;
      uint64_t at = 0, count = 1;
      while (here->states[at] == there) at++;
      while (at + count < here->count && count < copied_pages && here->states[at + count] != there) count++;
      bring(space, here, at, count);
      return true;
    }
  }
  return false;
}

static bool all_there(void) {
  bool all = restored;
  for (size_t s = 0; s < space_count; s++) {
    if (restored && spaces[s].left == 0) release(&spaces[s]);
    if (spaces[s].fd >= 0) all = false;
  }
  return all;
}

static struct pollfd *watched;
static size_t watched_room;

static size_t watch(void) {
  size_t count = 0;
  for (size_t s = 0; s < space_count; s++)
    if (spaces[s].fd >= 0) {
      watched = more(watched, &watched_room, count + 4, sizeof *watched);
      watched[count++] = (struct pollfd){spaces[s].fd, POLLIN, 0};
    }
  return count;
}

// How long `arrived` may wait. The few bytes that it would confirm do not stop the source from sending.
static const int arrival_wait_ms = 20;

static void work(void) {
  listen_for_restore();
  if (remote) listen_for_source("pages.socket");
  if (printf("ready\n") < 0 || fflush(stdout)) clearerr(stdout);
  watched = more(NULL, &watched_room, 0, sizeof *watched);
  for (bool busy = false; !all_there();) {
    size_t count = watch();
    struct pollfd *others = &watched[count];
    others[0] = (struct pollfd){restore_listener, POLLIN, 0};
    others[1] = (struct pollfd){restore_connection, POLLIN, 0};
    others[2] = (struct pollfd){source_listener, POLLIN, 0};
    others[3] = (struct pollfd){source_connection, POLLIN | (source_waits_to_hear() ? POLLOUT : 0), 0};
    int events = poll(watched, count + 4, busy ? 0 : source_awaits_arrival() ? arrival_wait_ms : -1);
    if (events < 0 && errno != EINTR) fail("poll");
    short from_listener = others[0].revents, from_restore = others[1].revents;
    short to_source = others[2].revents, from_source = others[3].revents;
    for (size_t s = 0, w = 0; w < count && s < space_count; s++)
      if (spaces[s].fd >= 0 && spaces[s].fd == watched[w].fd && watched[w++].revents) read_events(s);
    if (from_listener) accept_restore();
    if (from_restore) hear_restore(tasks, task_count);
    if (to_source) accept_source(tasks, task_count);
    else if (from_source & (POLLIN | POLLHUP | POLLERR)) hear_source();
    serve_faults();
    if (events == 0 && source_awaits_arrival()) tell_arrived();
    if (source_waits_to_hear()) tell_source();
    busy = restored && bring_next();
  }
}

static const int rename_again_us = 20000;

static void end_worker(int number) {
  (void)number;
  if (worker > 0) kill(worker, SIGKILL);
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: godwit-lazy-pages CGROUP WORK\n");
    return 2;
  }
  const char *cgroup = strdup(arguments[1]), *folder = strdup(arguments[2]);
  if (!cgroup || !folder || chdir(folder)) fail(arguments[2]);
  signal(SIGPIPE, SIG_IGN);
  if (!freopen("lazy-pages.log", "w", stderr)) fail("lazy-pages.log");
  setvbuf(stderr, NULL, _IOLBF, 0);
  // Each memory has a descriptor.
  struct rlimit files_limit;
  if (!getrlimit(RLIMIT_NOFILE, &files_limit)) {
    files_limit.rlim_cur = files_limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files_limit);
  }
  if (!take_orders()) return 0;
  int mark = open(draining, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (mark < 0) fail(draining);
  close(mark);
  worker = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
  if (worker < 0) fail("a second process");
  if (worker == 0) {
    work();
    write_entries();
    // A rename needs no space on a full disk. If the folder was removed, nobody needs the result.
    while (rename(draining, drained) && errno != ENOENT) usleep(rename_again_us);
    tell_done();
    // The guard shares the table of descriptors, so nothing is closed here.
    _exit(0);
  }
  take_other_name(arguments, count, folder);
  signal(SIGTERM, end_worker);
  int status;
  while (waitpid(worker, &status, 0) < 0 && errno == EINTR) continue;
  worker = 0;
  if (status == 0 || access(drained, F_OK) == 0) return 0;
  if (WIFSIGNALED(status)) fprintf(stderr, "it was ended by signal %d\n", WTERMSIG(status));
  end_container(cgroup);
  return 1;
}
