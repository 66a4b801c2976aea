/* Processes of memory-changes.c that cannot be tracked, or not in the usual way. Each function makes the process such a one. */
#pragma once
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <fcntl.h>

enum { PAGE = 4096, PAGES = 64 };

static char *memory;
static int child;

static void *must_map(void *at, size_t bytes, int flags, int fd) {
  void *got = mmap(at, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (got != MAP_FAILED) return got;
  perror("mmap");
  exit(1);
}

static void must(int is_right, const char *what) {
  if (is_right) return;
  perror(what);
  exit(1);
}

static void own_userfaultfd(void) {
  int fd = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
  struct uffdio_api api = {.api = UFFD_API};
  must(fd >= 0 && !ioctl(fd, UFFDIO_API, &api), "userfaultfd");
  struct uffdio_register range = {.range = {(uintptr_t)memory, PAGES * PAGE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  must(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
}
static void be_traced(void) {
  int of = getpid(), ready[2];
  // Only some kernels must be told that a child may do this.
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  must(!pipe(ready), "pipe");
  if (fork() == 0) {
    must(!ptrace(PTRACE_SEIZE, of, 0, 0), "ptrace");
    must(write(ready[1], "", 1) == 1, "write");
    for (;;) pause();
  }
  char byte;
  must(read(ready[0], &byte, 1) == 1, "read");
}
static void be_hidden(void) { must(!prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE"); }
static void *outlive(void *given) {
  (void)given;
  usleep(50000);
  puts("ready");
  fflush(stdout);
  for (;;) pause();
  return NULL;
}
static void end_leader(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, outlive, NULL);
  pthread_exit(NULL);
}
/** The parent stands still until the child ends. */
static void wait_as_parent(void) {
  puts("ready");
  fflush(stdout);
  if (vfork() == 0)
    for (;;) pause();
}
static void be_dead(void) {
  child = fork();
  if (child == 0) _exit(0);
  usleep(50000);
}
static void pin(void) {
  struct io_uring_params settings = {0};
  struct iovec buffer = {memory, PAGES * PAGE};
  int ring = syscall(SYS_io_uring_setup, 4, &settings);
  must(ring >= 0 && !syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &buffer, 1), "io_uring");
}
