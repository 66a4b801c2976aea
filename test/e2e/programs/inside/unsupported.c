// usage: unsupported KIND: holds something that CRIU cannot dump, and counts.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/vm_sockets.h>
#include <mqueue.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static long hold(const char *kind) {
  if (!strcmp(kind, "io_uring")) {
    struct io_uring_params parameters = {0};
    return syscall(SYS_io_uring_setup, 8, &parameters);
  }
  if (!strcmp(kind, "mqueue")) return mq_open("/queue", O_RDWR | O_CREAT, 0600, NULL);
  if (!strcmp(kind, "landlock")) {
    unsigned long long files = 1;
    return syscall(SYS_landlock_create_ruleset, &files, sizeof files, 0);
  }
  if (!strcmp(kind, "secret")) {
    long file = syscall(SYS_memfd_secret, 0);
    return file < 0 ? file : ftruncate(file, 4096);
  }
  if (!strcmp(kind, "vsock")) return socket(AF_VSOCK, SOCK_STREAM, 0);
  if (!strcmp(kind, "mptcp")) return socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
  if (!strcmp(kind, "userns")) return unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0 ? -1 : fork() == 0 ? pause() : 0;
  if (!strcmp(kind, "perf")) {
    struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = 0};
    return syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
  }
  if (!strcmp(kind, "bpf")) {
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 4, .max_entries = 4};
    return syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map);
  }
  if (!strcmp(kind, "tty")) {
    int terminal = open("/dev/tty", O_RDWR);
    pid_t job = fork();
    while (job == 0) setpgid(0, 0), pause();
    return setpgid(job, job) ? -1 : tcsetpgrp(terminal, job);
  }
  if (!strcmp(kind, "tty-child")) {
    if (fork()) return 0;
    for (open("/dev/tty", O_RDWR);;) pause();
  }
  return -1;
}

int main(int count, char **words) {
  if (count < 2 || hold(words[1]) < 0) {
    perror(words[1]);
    return 1;
  }
  for (int i = 0;; i++) {
    printf("%d\n", i);
    fflush(stdout);
    usleep(50 * 1000);
  }
}
