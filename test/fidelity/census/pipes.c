/* pipe(7) and fifo(7). */
#include "census.h"
#include <sys/stat.h>

static int unread[2], sized[2], half[2], nonblocking[2], fifo, full[2];

static void make(const char *name, int *pair, int flags) {
  if (!given(name, pipe2(pair, flags))) return;
  hold(text("%s.read", name), pair[0]);
  hold(text("%s.write", name), pair[1]);
}

static void put(int fd, const char *what) {
  if (write(fd, what, strlen(what)) < 0) return;
}

static void give_pipe(void) {
  make("pipe.unread", unread, 0);
  put(unread[1], "first");
  put(unread[1], "second");
  make("pipe.sized", sized, 0);
  given("pipe.size", fcntl(sized[0], F_SETPIPE_SZ, 16384));
  make("pipe.half", half, 0);
  put(half[1], "the last");
  close(half[1]);
  half[1] = -1;
  make("pipe.nonblocking", nonblocking, O_NONBLOCK | O_CLOEXEC);
  unlink(path_in_folder("fifo"));
  given("pipe.fifo", mkfifo(path_in_folder("fifo"), 0620));
  fifo = hold("pipe.fifo", open(path_in_folder("fifo"), O_RDWR | O_NONBLOCK));
  put(fifo, "in a fifo");
  make("pipe.full", full, O_NONBLOCK);
  fcntl(full[0], F_SETPIPE_SZ, 4096);
  char page[4096];
  memset(page, 'f', sizeof page);
  given("pipe.full", write(full[1], page, sizeof page));
}

/* tee copies the contents without taking them. */
static void tell_contents(const char *name, int from) {
  char all[4096];
  int copy[2];
  if (draining || pipe2(copy, O_CLOEXEC | O_NONBLOCK)) {
    tell_file_queue(name, from);
    return;
  }
  ssize_t got = tee(from, copy[1], sizeof all, SPLICE_F_NONBLOCK);
  if (got > 0) got = read(copy[0], all, sizeof all);
  tell_bytes(text("%s.content", name), all, got > 0 ? (size_t)got : 0);
  close(copy[0]);
  close(copy[1]);
  tell_file_queue(name, from);
}

static void tell_pipe(void) {
  struct stat about;
  tell_contents("pipe.unread", unread[0]);
  tell_contents("pipe.half", half[0]);
  tell_contents("pipe.fifo", fifo);
  tell_number("pipe.size", fcntl(sized[0], F_GETPIPE_SZ));
  tell_number("pipe.full.size", fcntl(full[0], F_GETPIPE_SZ));
  tell("pipe.fifo.file", "%s", stat(path_in_folder("fifo"), &about) ? error_name(errno) : text("%o", about.st_mode));
}

const struct area pipe_areas[] = {{"pipe", give_pipe, tell_pipe, false, false, "sizes, flags, contents of pipe(7) and fifo(7)"}, {0}};
