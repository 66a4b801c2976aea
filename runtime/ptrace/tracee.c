#define _GNU_SOURCE
#include "tracee.h"
#include "restart.h"
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// BELOW_STACK keeps clear of the red zone: a function that calls no other may use 128 bytes below its stack pointer (x86-64).
enum { BELOW_STACK = 1024, PIECE = 1 << 16, PATIENCE_MS = 5000, LOOK_US = 50 };

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

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

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

/** The state of a thread in /proc, such as `S`; 0 where it is gone. */
static char state_of(pid_t pid, pid_t thread) {
  char path[96], text[512];
  snprintf(path, sizeof path, "/proc/%d/task/%d/stat", pid, thread);
  FILE *stat = fopen(path, "re");
  size_t got = stat ? fread(text, 1, sizeof text - 1, stat) : 0;
  if (stat) fclose(stat);
  text[got] = 0;
  char *name_end = strrchr(text, ')');
  return name_end && name_end[1] ? name_end[2] : 0;
}

/** Waits for the next change of a thread; 0 with `status`, or a negative errno. */
static int wait_for(pid_t thread, int *status, int patience_ms) {
  for (int64_t end = now_ms() + patience_ms;;) {
    pid_t got = waitpid(thread, status, __WALL | WNOHANG);
    if (got < 0) return -errno;
    if (got > 0) return WIFSTOPPED(*status) ? 0 : -ESRCH;
    if (now_ms() > end) return -ETIMEDOUT;
    usleep(LOOK_US);
  }
}

/** Waits for a stop that ptrace made, and delivers signals meanwhile. 0, or a negative errno. */
static int wait_stopped(pid_t thread, int patience_ms) {
  for (;;) {
    int status, error = wait_for(thread, &status, patience_ms);
    if (error) return error;
    if (status >> 16 == PTRACE_EVENT_STOP) return 0;
    if (ptrace(PTRACE_CONT, thread, 0, WSTOPSIG(status))) return -errno;
  }
}

static int registers(int request, pid_t thread, struct user_regs_struct *of) {
  struct iovec area = {of, sizeof *of};
  if (ptrace(request, thread, NT_PRSTATUS, &area)) return -errno;
  // A 32-bit program has another set of registers.
  return area.iov_len == sizeof *of ? 0 : -ENOTSUP;
}

/** Attaches to a thread and stops it. 0, or a negative errno. */
static int stop(struct tracee *it, pid_t thread, int patience_ms) {
  // The seccomp filter of the process may forbid the call.
  long traced = PTRACE_O_TRACESYSGOOD;
  if (ptrace(PTRACE_SEIZE, thread, 0, traced | PTRACE_O_SUSPEND_SECCOMP) && ptrace(PTRACE_SEIZE, thread, 0, traced)) return -errno;
  pid_t *more = realloc(it->threads, (it->count + 1) * sizeof *more);
  if (!more) {
    ptrace(PTRACE_DETACH, thread, 0, 0);
    return -ENOMEM;
  }
  it->threads = more;
  it->threads[it->count++] = thread;
  if (ptrace(PTRACE_INTERRUPT, thread, 0, 0)) return -errno;
  return wait_stopped(thread, patience_ms);
}

/** Saves what the calls will change, and finds the way to make them. */
static int save(struct tracee *it) {
  uint64_t every = ~0ull;
  pid_t thread = it->threads[0];
  int error = registers(PTRACE_GETREGSET, thread, &it->registers);
  if (!error && ptrace(PTRACE_GETSIGMASK, thread, sizeof every, &it->signals)) error = -errno;
  if (error) return error;
  it->is_saved = 1;
  if (ptrace(PTRACE_SETSIGMASK, thread, sizeof every, &every)) return -errno;
  it->gate = find_gate(it->pid);
  return it->gate ? 0 : -ENOEXEC;
}

int tracee_catch(struct tracee *it, pid_t pid) {
  *it = (struct tracee){.pid = pid};
  // A SIGSTOP that is still pending would be lost between two calls.
  for (int64_t end = now_ms() + PATIENCE_MS; state_of(pid, pid) != 'T'; usleep(1000)) {
    if (!state_of(pid, pid)) return -ESRCH;
    if (now_ms() > end) return -ETIMEDOUT;
  }
  int error = stop(it, pid, PATIENCE_MS);
  return error ? error : save(it);
}

static int is_stopped(const struct tracee *it, pid_t thread) {
  for (size_t i = 0; i < it->count; i++)
    if (it->threads[i] == thread) return 1;
  return 0;
}

int tracee_stop(struct tracee *it, pid_t pid, int patience_ms) {
  *it = (struct tracee){.pid = pid};
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  int error = 0;
  // A thread that is not stopped yet may start another one: the list is read until it has nothing new.
  for (int is_new = 1; is_new && !error;) {
    is_new = 0;
    DIR *folder = opendir(path);
    if (!folder) return -errno;
    for (struct dirent *entry; !error && (entry = readdir(folder));) {
      pid_t thread = atoi(entry->d_name);
      if (!thread || is_stopped(it, thread)) continue;
      is_new = 1;
      error = stop(it, thread, patience_ms);
      char state = state_of(pid, thread);
      // It has ended: nothing of it can run.
      if (error && (!state || strchr("XZ", state))) error = 0, is_new = 0;
    }
    closedir(folder);
  }
  return !error && it->count == 0 ? -ESRCH : error;
}

int tracee_interrupt(struct tracee *it, pid_t pid) {
  int error = tracee_stop(it, pid, PATIENCE_MS);
  return error ? error : save(it);
}

/** Goes on to the next of the two stops of a system call: entry, then exit. 0, or a negative errno. */
static int step(pid_t thread) {
  int status;
  do {
    if (ptrace(PTRACE_SYSCALL, thread, 0, 0)) return -errno;
    int error = wait_for(thread, &status, PATIENCE_MS);
    if (error) return error;
  } while (WSTOPSIG(status) != (SIGTRAP | 0x80));
  return 0;
}

long tracee_call(struct tracee *it, long number, long first, long second, long third) {
  struct user_regs_struct now = it->registers;
  pid_t thread = it->threads[0];
  prepare(&now, it->gate, number, first, second, third);
  int error = registers(PTRACE_SETREGSET, thread, &now);
  if (!error) error = step(thread);
  if (!error) error = step(thread);
  // It must stand still again before its registers can be put back.
  if (error == -ETIMEDOUT && !ptrace(PTRACE_INTERRUPT, thread, 0, 0)) wait_stopped(thread, PATIENCE_MS);
  if (!error) error = registers(PTRACE_GETREGSET, thread, &now);
  return error ? error : result(&now);
}

long tracee_call_with(struct tracee *it, long number, long first, long second, const void *data, size_t bytes) {
  char kept[SCRATCH_BYTES] = {0};
  uintptr_t scratch = (stack(&it->registers) - BELOW_STACK) & ~15ul;
  if (bytes > SCRATCH_BYTES) return -EINVAL;
  long done = copy(process_vm_readv, it->pid, kept, scratch, bytes);
  if (!done) done = copy(process_vm_writev, it->pid, data, scratch, bytes);
  if (done) return done;
  done = tracee_call(it, number, first, second, scratch);
  copy(process_vm_writev, it->pid, kept, scratch, bytes);
  return done;
}

/** Lets a thread go on with the call that it waited in, so that whoever stops it next sees which one that is. */
static void restart(pid_t thread) {
  struct user_regs_struct now;
  if (!registers(PTRACE_GETREGSET, thread, &now) && restart_exactly(&now)) registers(PTRACE_SETREGSET, thread, &now);
}

void tracee_release(struct tracee *it) {
  if (it->is_saved) {
    registers(PTRACE_SETREGSET, it->threads[0], &it->registers);
    ptrace(PTRACE_SETSIGMASK, it->threads[0], sizeof it->signals, &it->signals);
  }
  for (size_t i = 0; i < it->count; i++) {
    restart(it->threads[i]);
    ptrace(PTRACE_DETACH, it->threads[i], 0, 0);
  }
  free(it->threads);
  *it = (struct tracee){.pid = it->pid};
}
