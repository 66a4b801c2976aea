/* epoll(7), inotify(7), eventfd(2), signalfd(2), pidfd. */
#include "census.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>

static int epoll, inner_epoll, ready[2], quiet[2], oneshot[2];

static void add(const char *name, int fd, unsigned events, uint64_t data) {
  struct epoll_event event = {.events = events, .data.u64 = data};
  given(name, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void give_epoll(void) {
  epoll = hold("epoll", epoll_create1(EPOLL_CLOEXEC));
  inner_epoll = hold("epoll.inner", epoll_create1(0));
  if (pipe(ready) || pipe(quiet) || pipe(oneshot) || write(ready[1], "x", 1) < 0 || write(oneshot[1], "x", 1) < 0) return;
  add("epoll.edge", ready[0], EPOLLIN | EPOLLET, 0x1122334455667788);
  add("epoll.level", quiet[0], EPOLLIN | EPOLLPRI | EPOLLRDHUP, 42);
  add("epoll.oneshot", oneshot[0], EPOLLIN | EPOLLONESHOT, 43);
  add("epoll.exclusive", oneshot[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLET, 44);
  add("epoll.nested", inner_epoll, EPOLLIN, 45);
  struct epoll_event events[8];
  /* Uses up the edge and the one shot. */
  epoll_wait(epoll, events, 8, 0);
}

/* The last columns of a line are the position, the inode and the device of the file. */
static void tell_epoll(void) {
  static const char *const names[] = {"epoll.edge", "epoll.level", "epoll.oneshot", "epoll.exclusive", "epoll.nested"};
  int fds[] = {ready[0], quiet[0], oneshot[0], oneshot[1], inner_epoll};
  struct epoll_event events[8];
  for (size_t i = 0; i < COUNT(fds); i++) {
    const char *line = descriptor_line(epoll, text("tfd: %8d", fds[i]));
    tell(names[i], "%.*s", (int)(strcspn(line, "p")), line);
  }
  if (draining) tell_number("epoll.edge_again", epoll_wait(epoll, events, 8, 0));
}

static int inotify, quiet_inotify;

static void touch(const char *name) { close(open(path_in_folder(name), O_CREAT | O_WRONLY | O_TRUNC, 0600)); }

static void give_inotify(void) {
  touch("watched");
  quiet_inotify = hold("inotify.quiet", inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  given("inotify.watch", inotify_add_watch(quiet_inotify, path_in_folder("watched"), IN_MODIFY | IN_DELETE_SELF));
  touch("watched-once");
  given("inotify.oneshot", inotify_add_watch(quiet_inotify, path_in_folder("watched-once"), IN_ONESHOT | IN_DELETE_SELF));
}

static const char *watch_mask(int fd, int number) {
  const char *line = descriptor_line(fd, text("inotify wd:%d", number));
  const char *mask = strstr(line, "mask:");
  return mask ? text("%.*s", (int)strcspn(mask, " "), mask) : line;
}

static void tell_inotify(void) {
  char room[1024];
  tell("inotify.watch", "%s", watch_mask(quiet_inotify, 1));
  tell("inotify.oneshot", "%s", watch_mask(quiet_inotify, 2));
  close(open(path_in_folder("watched"), O_WRONLY | O_TRUNC));
  int fd = open(path_in_folder("watched"), O_WRONLY);
  if (write(fd, "w", 1) < 0) return;
  close(fd);
  tell("inotify.works", "%s", read(quiet_inotify, room, sizeof room) > 0 ? "yes" : error_name(errno));
  while (read(quiet_inotify, room, sizeof room) > 0) continue;
}

static void give_inotify_queued(void) {
  touch("watched-queued");
  inotify = hold("inotify-queued", inotify_init1(IN_NONBLOCK));
  given("inotify-queued.waiting", inotify_add_watch(inotify, path_in_folder("watched-queued"), IN_ALL_EVENTS));
  touch("watched-queued");
}

static void tell_inotify_queued(void) { tell_file_queue("inotify-queued", inotify); }

static int event, event_flags;

static void give_eventfd(void) {
  event = hold("eventfd.counter", eventfd(7, 0));
  event_flags = hold("eventfd.flags", eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

static void tell_eventfd(void) {
  uint64_t value = 0;
  tell("eventfd.counter", "%s", descriptor_line(event, "eventfd-count:"));
  if (draining) tell_number("eventfd.counter.content", read(event, &value, sizeof value) < 0 ? -1 : (long)value);
}

static int signals;

static void give_signalfd(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 2);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signals = hold("signalfd", signalfd(-1, &set, SFD_NONBLOCK));
  given("signalfd.mask", signals);
  sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 4711});
  sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 4712});
}

static void tell_signalfd(void) {
  struct signalfd_siginfo info[4] = {0};
  tell("signalfd.mask", "%s", descriptor_line(signals, "sigmask:"));
  tell("signalfd.pending", "%s", line_after("/proc/self/status", "ShdPnd:"));
  if (!draining) return;
  ssize_t got = read(signals, info, sizeof info);
  tell("signalfd.content", "%zd: %d %d, code %d", got < 0 ? got : got / (ssize_t)sizeof *info, info[0].ssi_int, info[1].ssi_int,
       info[0].ssi_code);
}

static int pidfd, dead_pidfd;
static pid_t child, dead;

static void end_at_once(void) { _exit(9); }

static void give_pidfd(void) {
  child = start_child(NULL);
  dead = fork();
  if (dead == 0) end_at_once();
  usleep(50 * 1000);
  pidfd = hold("pidfd.living", (int)syscall(SYS_pidfd_open, child, 0));
  dead_pidfd = hold("pidfd.zombie", (int)syscall(SYS_pidfd_open, dead, 0));
}

static void tell_pidfd(void) {
  const char *line = descriptor_line(pidfd, "Pid:");
  tell("pidfd.living", "%s", atoi(line) == child ? "the child" : line);
  line = descriptor_line(dead_pidfd, "Pid:");
  tell("pidfd.zombie", "%s", atoi(line) == dead ? "the zombie" : line);
  tell_number("pidfd.signals", syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
}

const struct area event_areas[] = {
    {"epoll", give_epoll, tell_epoll, true, false, "what is registered, with flags and data"},
    {"inotify", give_inotify, tell_inotify, false, false, "watches"},
    {"inotify-queued", give_inotify_queued, tell_inotify_queued, false, false, "events that were not read"},
    {"eventfd", give_eventfd, tell_eventfd, false, false, "counters"},
    {"signalfd", give_signalfd, tell_signalfd, true, false, "masks, pending signals"},
    {"pidfd", give_pidfd, tell_pidfd, true, false, "descriptors of a living process and of a zombie"},
    {0},
};
