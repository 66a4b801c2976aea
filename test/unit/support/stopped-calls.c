// Stops a child in each call that waits, once in the call itself and once after the call was stopped and continued, and prints what
// restart_exactly() makes of it: the number of the call that is made again, or "left".
#include "../../../runtime/ptrace/restart.h"
#include <elf.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct timespec long_time = {1000, 0}, left;
static struct pollfd files[200];
static int word;

static long never(void) {
  return syscall(SYS_pause);
}
static long nanosleep_left(void) {
  return syscall(SYS_nanosleep, &long_time, &left);
}
static long nanosleep_alone(void) {
  return syscall(SYS_nanosleep, &long_time, NULL);
}
static long clock_left(void) {
  return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, &left);
}
static long clock_alone(void) {
  return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &long_time, NULL);
}
static long poll_for_ever(void) {
  return syscall(SYS_poll, files, 1, -1, NULL);
}
static long poll_nothing(void) {
  return syscall(SYS_poll, NULL, 0, -1, NULL);
}
static long poll_many(void) {
  return syscall(SYS_poll, files, 128, -1, &left);
}
static long poll_for_a_while(void) {
  return syscall(SYS_poll, files, 1, 1000000, NULL);
}
static long futex_wait(void) {
  return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, word, &long_time, NULL, 0);
}
static long futex_below_zero(void) {
  word = -1;
  return syscall(SYS_futex, &word, FUTEX_WAIT, word, &long_time, NULL, 0);
}

static int epoll(int timeout) {
  int file = epoll_create1(0);
  struct epoll_event event;
  return epoll_wait(file, &event, 1, timeout);
}
static long epoll_for_ever(void) {
  return epoll(-1);
}
static long epoll_for_a_while(void) {
  return epoll(1000000);
}
static int semaphores;
static long wait_for_semaphore(void) {
  struct sembuf take = {.sem_op = -1};
  return semop(semaphores, &take, 1);
}
static long write_with_a_timeout(void) {
  int both[2];
  struct timeval timeout = {1000, 0};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, both)) return -1;
  setsockopt(both[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  while (send(both[0], "x", 1, MSG_DONTWAIT) > 0) {
  }
  return write(both[0], "x", 1);
}

static const struct {
  const char *name;
  long (*wait)(void);
} calls[] = {
    {"nanosleep, time left", nanosleep_left},
    {"nanosleep", nanosleep_alone},
    {"clock_nanosleep, time left", clock_left},
    {"clock_nanosleep", clock_alone},
    {"poll", poll_for_ever},
    {"poll of nothing", poll_nothing},
    {"poll of 128 files", poll_many},
    {"poll with a timeout", poll_for_a_while},
    {"futex", futex_wait},
    {"futex, value -1", futex_below_zero},
    {"pause", never},
    // These give EINTR after any stop.
    {"epoll_wait", epoll_for_ever},
    {"epoll_wait with a timeout", epoll_for_a_while},
    {"semop", wait_for_semaphore},
    {"write to a socket with a timeout", write_with_a_timeout},
};

static void sleeps(pid_t child, char state) {
  char path[64], found = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", child);
  for (int i = 0; i < 5000 && found != state; i++) {
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*d %*s %c", &found) != 1) exit(1);
    fclose(file);
    usleep(1000);
  }
}

static void examine(int which, int is_stopped_before) {
  int files_of_child[2];
  if (pipe(files_of_child)) exit(1);
  for (int i = 0; i < 200; i++) files[i] = (struct pollfd){.fd = files_of_child[0], .events = POLLIN};
  pid_t child = fork();
  if (!child) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    calls[which].wait();
    _exit(9);
  }
  sleeps(child, 'S');
  if (is_stopped_before) {
    kill(child, SIGSTOP);
    sleeps(child, 'T');
    kill(child, SIGCONT);
    sleeps(child, 'S');
  }
  struct user_regs_struct registers;
  struct iovec all = {&registers, sizeof registers};
  if (ptrace(PTRACE_SEIZE, child, 0, 0) || ptrace(PTRACE_INTERRUPT, child, 0, 0)) exit(1);
  waitpid(child, NULL, 0);
  if (ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &all)) exit(1);
  struct user_regs_struct before = registers;
  if (restart_exactly(&registers)) printf("%s: %lld\n", calls[which].name, (long long)registers.orig_rax);
  else printf("%s: %s\n", calls[which].name, registers.orig_rax == before.orig_rax && registers.rax == before.rax ? "left" : "changed");
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(files_of_child[0]);
  close(files_of_child[1]);
}

int main(void) {
  size_t all = sizeof calls / sizeof *calls;
  semaphores = semget(IPC_PRIVATE, 1, 0600);
  for (size_t i = 0; i < all; i++) examine((int)i, 0);
  semctl(semaphores, 0, IPC_RMID);
  for (size_t i = 0; calls[i].wait != epoll_for_ever; i++) examine((int)i, 1);
}
