/*
 * A call that waits is waited for again. CRIU restarts most interrupted system calls, but not those for which the kernel keeps how far they
 * were: poll and sleeps return EINTR after its dump, in the original as well as in the copy, and a program that does nothing but sleep ends.
 * Here CRIU sees registers of the processes that it dumps with which it makes the same call again: see ../ptrace/restart.h.
 */
#define _GNU_SOURCE
#include "../ptrace/restart.h"
#include "criu.h"
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

EXPORT long ptrace(enum __ptrace_request request, ...) {
  va_list more;
  va_start(more, request);
  pid_t pid = va_arg(more, pid_t);
  void *address = va_arg(more, void *), *data = va_arg(more, void *);
  va_end(more);
  long word;
  // As libc does it: these three give a word, and not a status.
  bool peeks = request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
  long result = syscall(SYS_ptrace, request, pid, address, peeks ? &word : data);
  if (peeks && result >= 0) {
    errno = 0;
    return word;
  }
  const struct iovec *registers = data;
  // 32-bit programs have fewer registers.
  if (is_dump && !result && request == PTRACE_GETREGSET && (int)(long)address == NT_PRSTATUS && registers->iov_len == sizeof(struct user_regs_struct))
    restart_exactly(registers->iov_base);
  return result;
}
