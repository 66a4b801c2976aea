#define _GNU_SOURCE
#include "tracee.h"
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// BELOW_STACK keeps clear of the red zone: a function that calls no other may use 128 bytes below its stack pointer (x86-64).
enum { BELOW_STACK = 1024, PIECE = 1 << 16, PATIENCE_MS = 5000 };

#if defined(__x86_64__)
static const unsigned char gate_code[] = {0x0f, 0x05};
static void prepare(struct user_regs_struct *r, uintptr_t gate, long number, long a, long b, long c) {
  r->rip = gate, r->rax = number, r->rdi = a, r->rsi = b, r->rdx = c;
  // The kernel must not restart an interrupted system call before this one.
  r->orig_rax = -1;
}
static long result(const struct user_regs_struct *r) { return r->rax; }
static uintptr_t stack(const struct user_regs_struct *r) { return r->rsp; }
#elif defined(__aarch64__)
static const unsigned char gate_code[] = {0x01, 0x00, 0x00, 0xd4};
static void prepare(struct user_regs_struct *r, uintptr_t gate, long number, long a, long b, long c) {
  r->pc = gate, r->regs[8] = number, r->regs[0] = a, r->regs[1] = b, r->regs[2] = c;
}
static long result(const struct user_regs_struct *r) { return r->regs[0]; }
static uintptr_t stack(const struct user_regs_struct *r) { return r->sp; }
#else
#error "not written for this architecture"
#endif

/** Copies to or from the memory of a process. Waits for a page that is still to come, which a copy through /proc/PID/mem does not. */
static int copy(ssize_t (*how)(pid_t, const struct iovec *, unsigned long, const struct iovec *, unsigned long, unsigned long),
                pid_t pid, const void *here, uintptr_t there, size_t bytes) {
  struct iovec near = {(void *)here, bytes}, far = {(void *)there, bytes};
  ssize_t done = how(pid, &near, 1, &far, 1, 0);
  return done == (ssize_t)bytes ? 0 : done < 0 ? -errno : -EFAULT;
}

static uintptr_t search(pid_t pid, uintptr_t from, uintptr_t to) {
  static unsigned char piece[PIECE];
  for (uintptr_t at = from; at < to; at += PIECE) {
    size_t bytes = at + PIECE < to ? PIECE : to - at;
    if (copy(process_vm_readv, pid, piece, at, bytes)) continue;
    unsigned char *hit = memmem(piece, bytes, gate_code, sizeof gate_code);
    if (hit) return at + (hit - piece);
  }
  return 0;
}

/** Finds a system call instruction: in the vDSO, or else in the code of a file. Other code may be large, and still to come. */
static uintptr_t find_gate(pid_t pid) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *maps = fopen(path, "re");
  if (!maps) return 0;
  uintptr_t found = 0;
  for (const char *const *kind = (const char *const[]){"[vdso]", "/", NULL}; *kind && !found; kind++) {
    rewind(maps);
    while (!found && fgets(line, sizeof line, maps)) {
      uintptr_t from, to;
      char executable;
      if (sscanf(line, "%lx-%lx r%*c%c", &from, &to, &executable) != 3 || executable != 'x') continue;
      if (strstr(line, *kind)) found = search(pid, from, to);
    }
  }
  fclose(maps);
  return found;
}

/** Waits until SIGSTOP has stopped the process; 0, or a negative errno. A SIGSTOP that is still pending would be lost between two calls. */
static int stands_still(pid_t pid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  for (int tries = 0; tries < PATIENCE_MS; tries += 1) {
    FILE *stat = fopen(path, "re");
    size_t got = stat ? fread(text, 1, sizeof text - 1, stat) : 0;
    if (stat) fclose(stat);
    text[got] = 0;
    char *name_end = strrchr(text, ')');
    if (!name_end) return -ESRCH;
    if (name_end[1] && name_end[2] == 'T') return 0;
    usleep(1000);
  }
  return -ETIMEDOUT;
}

/** Waits for a stop that ptrace made, and delivers signals meanwhile. 0, or a negative errno. */
static int wait_stopped(pid_t pid) {
  for (;;) {
    int status;
    if (waitpid(pid, &status, __WALL) < 0) return -errno;
    if (!WIFSTOPPED(status)) return -ESRCH;
    if (status >> 16 == PTRACE_EVENT_STOP) return 0;
    if (ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status))) return -errno;
  }
}

static int registers(int request, pid_t pid, struct user_regs_struct *of) {
  struct iovec area = {of, sizeof *of};
  if (ptrace(request, pid, NT_PRSTATUS, &area)) return -errno;
  // A 32-bit program has another set of registers.
  return area.iov_len == sizeof *of ? 0 : -ENOTSUP;
}

int tracee_catch(struct tracee *it, pid_t pid) {
  memset(it, 0, sizeof *it);
  it->pid = pid;
  int error = stands_still(pid);
  if (error) return error;
  // The seccomp filter of the process may forbid fcntl now. It was allowed when the process locked the file.
  long traced = PTRACE_O_TRACESYSGOOD;
  if (ptrace(PTRACE_SEIZE, pid, 0, traced | PTRACE_O_SUSPEND_SECCOMP) && ptrace(PTRACE_SEIZE, pid, 0, traced))
    return -errno;
  if (ptrace(PTRACE_INTERRUPT, pid, 0, 0)) return -errno;
  uint64_t every = ~0ull;
  error = wait_stopped(pid);
  if (!error) error = registers(PTRACE_GETREGSET, pid, &it->registers);
  if (!error && ptrace(PTRACE_GETSIGMASK, pid, sizeof every, &it->signals)) error = -errno;
  if (!error && ptrace(PTRACE_SETSIGMASK, pid, sizeof every, &every)) error = -errno;
  if (error) return error;
  it->scratch = (stack(&it->registers) - BELOW_STACK) & ~15ul;
  error = copy(process_vm_readv, pid, it->kept, it->scratch, SCRATCH_BYTES);
  if (!error) it->gate = find_gate(pid);
  return error || it->gate ? error : -ENOEXEC;
}

/** Goes on to the next of the two stops of a system call: entry, then exit. 0, or a negative errno. */
static int step(pid_t pid) {
  int status;
  do {
    if (ptrace(PTRACE_SYSCALL, pid, 0, 0) || waitpid(pid, &status, __WALL) < 0) return -errno;
    if (!WIFSTOPPED(status)) return -ESRCH;
  } while (WSTOPSIG(status) != (SIGTRAP | 0x80));
  return 0;
}

long tracee_call(struct tracee *it, long number, long first, long second, const void *data, size_t bytes) {
  struct user_regs_struct now = it->registers;
  prepare(&now, it->gate, number, first, second, it->scratch);
  int error = bytes > SCRATCH_BYTES ? -EINVAL : copy(process_vm_writev, it->pid, data, it->scratch, bytes);
  if (!error) error = registers(PTRACE_SETREGSET, it->pid, &now);
  if (!error) error = step(it->pid);
  if (!error) error = step(it->pid);
  if (!error) error = registers(PTRACE_GETREGSET, it->pid, &now);
  return error ? error : result(&now);
}

void tracee_release(struct tracee *it) {
  if (it->gate) {
    copy(process_vm_writev, it->pid, it->kept, it->scratch, SCRATCH_BYTES);
    registers(PTRACE_SETREGSET, it->pid, &it->registers);
    ptrace(PTRACE_SETSIGMASK, it->pid, sizeof it->signals, &it->signals);
  }
  ptrace(PTRACE_DETACH, it->pid, 0, 0);
}
