/*
 * What CRIU asks of the processes that it dumps, changed in two ways.
 *
 * A call that waits is waited for again. CRIU restarts most interrupted system calls, but not those for which the kernel keeps how far they
 * were: poll and sleeps return EINTR after its dump, in the original as well as in the copy, and a program that does nothing but sleep ends.
 * Some others give EINTR after any stop (epoll_wait, semop, sockets with a timeout), and not all programs expect it. Here CRIU sees
 * registers with which it makes the same call again: see ../ptrace/restart.h.
 *
 * CRIU's code runs where it can be put: see detour.h.
 */
#define _GNU_SOURCE
#include "../ptrace/restart.h"
#include "criu.h"
#include "detour.h"
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__x86_64__)
/** Where CRIU runs a system call of its own: no call of the program is restarted then, and the first argument may be what it has written. */
static void take_detour(pid_t pid, struct user_regs_struct *registers) {
  if (registers->orig_rax != (unsigned long long)-1) return;
  uintptr_t entry = detour(pid, registers->rip);
  if (entry == registers->rip || registers->rip % 4096) return;
  registers->rip = entry;
  registers->rdi = detour(pid, registers->rdi);
}
#else
static void take_detour(pid_t pid, struct user_regs_struct *registers) {
  (void)pid, (void)registers;
}
#endif

/** Whether a signal that the program handles is pending. The handler runs after the restore, and its call has to end with EINTR. */
static bool has_handler_waiting(pid_t thread) {
  char path[40], line[256];
  unsigned long long value, pending = 0, blocked = 0, caught = 0;
  snprintf(path, sizeof path, "/proc/%d/status", thread);
  FILE *status = fopen(path, "re");
  if (!status) return true;
  while (fgets(line, sizeof line, status)) {
    if (sscanf(line, "SigPnd: %llx", &value) == 1 || sscanf(line, "ShdPnd: %llx", &value) == 1) pending |= value;
    if (sscanf(line, "SigBlk: %llx", &value) == 1) blocked = value;
    if (sscanf(line, "SigCgt: %llx", &value) == 1) caught = value;
  }
  fclose(status);
  return (pending & ~blocked & caught) != 0;
}

static bool has_detours(void) {
#if defined(__x86_64__)
  return is_dump;
#else
  return false;
#endif
}

EXPORT long ptrace(enum __ptrace_request request, ...) {
  va_list more;
  va_start(more, request);
  pid_t pid = va_arg(more, pid_t);
  void *address = va_arg(more, void *), *data = va_arg(more, void *);
  va_end(more);
  long word;
  // As libc does it: these three give a word, and not a status.
  bool peeks = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
  if (has_detours() && (request == PTRACE_PEEKDATA || request == PTRACE_POKEDATA)) address = (void *)detour(pid, (uintptr_t)address);
  // 32-bit programs have fewer registers.
  const struct iovec *all = data;
  bool is_native = (request == PTRACE_GETREGSET || request == PTRACE_SETREGSET) && (int)(long)address == NT_PRSTATUS &&
                   all->iov_len == sizeof(struct user_regs_struct);
  struct user_regs_struct changed;
  struct iovec instead = {&changed, sizeof changed};
  if (has_detours() && is_native && request == PTRACE_SETREGSET) {
    changed = *(const struct user_regs_struct *)all->iov_base;
    take_detour(pid, &changed);
    data = &instead;
  }
  long result = syscall(SYS_ptrace, request, pid, address, peeks ? &word : data);
  if (peeks && result >= 0) {
    errno = 0;
    return word;
  }
  if (is_dump && !result && is_native && request == PTRACE_GETREGSET && all->iov_len == sizeof(struct user_regs_struct)) {
    struct user_regs_struct before = *(struct user_regs_struct *)all->iov_base;
    if (restart_exactly(all->iov_base) && has_handler_waiting(pid)) *(struct user_regs_struct *)all->iov_base = before;
  }
  return result;
}
