/* fcntl(2): owners and signals of descriptors, locks, leases. */
#include "census.h"
#include <sys/file.h>

#ifndef F_SET_RW_HINT
#define F_GET_RW_HINT 1035
#define F_SET_RW_HINT 1036
#endif

static int async[2], by_thread[2], locked, ofd, flocked, shared_flock, lease, dnotify, hint;

static int open_file(const char *name) { return open(path_in_folder(name), O_RDWR | O_CREAT, 0600); }

static void own(const char *name, int *pair, int type, pid_t id) {
  struct f_owner_ex owner = {type, id};
  if (pipe(pair)) return;
  hold(name, pair[0]);
  given(text("%s.owner", name), fcntl(pair[0], F_SETOWN_EX, &owner));
  given(text("%s.signal", name), fcntl(pair[0], F_SETSIG, SIGRTMIN + 5));
  given(text("%s.O_ASYNC", name), fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_ASYNC));
}

static void give_async(void) {
  signal(SIGRTMIN + 5, SIG_IGN);
  own("async.process", async, F_OWNER_PID, getpid());
  own("async.group", by_thread, F_OWNER_PGRP, getpgrp());
}

static void tell_owned(const char *name, int fd) {
  static const char *const types[] = {"thread", "process", "group"};
  struct f_owner_ex owner = {0, 0};
  tell_number(text("%s.signal", name), fcntl(fd, F_GETSIG));
  tell(text("%s.O_ASYNC", name), "%s", fcntl(fd, F_GETFL) & O_ASYNC ? "on" : "off");
  if (fcntl(fd, F_GETOWN_EX, &owner)) tell_number(text("%s.owner", name), -1);
  else
    tell(text("%s.owner", name), "%s %s", types[owner.type % 3],
         owner.pid == getpid() || owner.pid == getpgrp() ? "of own"
         : owner.pid                                     ? "other"
                                                         : "none");
}

static void tell_async(void) {
  tell_owned("async.process", async[0]);
  tell_owned("async.group", by_thread[0]);
}

static void give_lock(void) {
  struct flock write_lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 20};
  struct flock read_lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 7};
  locked = hold("lock.posix_file", open_file("locked"));
  given("lock.F_SETLK", fcntl(locked, F_SETLK, &write_lock));
  ofd = hold("lock.ofd_file", open_file("locked-ofd"));
  given("lock.F_OFD_SETLK", fcntl(ofd, F_OFD_SETLK, &read_lock));
  flocked = hold("lock.flock_file", open_file("flocked"));
  given("lock.flock", flock(flocked, LOCK_EX));
  shared_flock = hold("lock.flock_shared_file", open_file("flocked-shared"));
  given("lock.flock_shared", flock(shared_flock, LOCK_SH));
}

/* Of "1: POSIX ADVISORY WRITE PID DEVICE:INODE START END". */
static void tell_one(const char *name, int fd) {
  const char *line = descriptor_line(fd, "lock:");
  char kind[16], force[16], access[16], start[24], end[24];
  int pid;
  if (sscanf(line, "%*d: %15s %15s %15s %d %*s %23s %23s", kind, force, access, &pid, start, end) != 6) tell(name, "%s", line);
  else tell(name, "%s %s %s-%s, owner %s", kind, access, start, end, pid == getpid() ? "self" : pid < 0 ? "file" : "other");
}

static void tell_lock(void) {
  tell_one("lock.F_SETLK", locked);
  tell_one("lock.F_OFD_SETLK", ofd);
  tell_one("lock.flock", flocked);
  tell_one("lock.flock_shared", shared_flock);
}

static void give_lease(void) {
  signal(SIGRTMIN + 6, SIG_IGN);
  lease = hold("lease.file", open_file("leased"));
  given("lease.signal", fcntl(lease, F_SETSIG, SIGRTMIN + 6));
  given("lease.kind", fcntl(lease, F_SETLEASE, F_WRLCK));
}

static void tell_lease(void) {
  static const char *const kinds[] = {"read", "write", "none"};
  int kind = fcntl(lease, F_GETLEASE);
  if (kind < 0) tell_number("lease.kind", -1);
  else tell("lease.kind", "%s", kinds[kind % 3]);
  tell_number("lease.signal", fcntl(lease, F_GETSIG));
}

static volatile sig_atomic_t notified;

static void count_notice(int number) {
  (void)number;
  notified++;
}

static void give_dnotify(void) {
  signal(SIGRTMIN + 7, count_notice);
  dnotify = hold("dnotify.folder", open(folder, O_RDONLY | O_DIRECTORY));
  fcntl(dnotify, F_SETSIG, SIGRTMIN + 7);
  given("dnotify.notice", fcntl(dnotify, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
}

static void tell_dnotify(void) {
  int before = notified;
  close(open(path_in_folder("dnotify-file"), O_CREAT | O_WRONLY | O_EXCL, 0600));
  unlink(path_in_folder("dnotify-file"));
  usleep(10 * 1000);
  tell("dnotify.notice", "%s", notified > before ? "comes" : "does not come");
}

static void give_hint(void) {
  uint64_t life = 4;
  hint = hold("write-hint.file", open_file("hinted"));
  given("write-hint.life", fcntl(hint, F_SET_RW_HINT, &life));
}

static void tell_hint(void) {
  uint64_t life = 0;
  tell_number("write-hint.life", fcntl(hint, F_GET_RW_HINT, &life) ? -1 : (long)life);
}

const struct area lock_areas[] = {
    {"async", give_async, tell_async, false, false, "O_ASYNC, F_SETOWN_EX, F_SETSIG"},
    {"lock", give_lock, tell_lock, false, false, "F_SETLK, F_OFD_SETLK, flock (criu needs --file-locks)"},
    {"lease", give_lease, tell_lease, false, false, "F_SETLEASE"},
    {"dnotify", give_dnotify, tell_dnotify, true, false, "F_NOTIFY"},
    {"write-hint", give_hint, tell_hint, false, false, "F_SET_RW_HINT"},
    {0},
};
