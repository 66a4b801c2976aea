// A process that is made to run system calls.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { SCRATCH_BYTES = 64 };

struct tracee {
  pid_t pid;
  // The threads that are stopped. The first one runs the calls.
  pid_t *threads;
  size_t count;
  struct user_regs_struct registers;
  uint64_t signals;
  // Whether `registers` and `signals` are known and must be put back.
  int is_saved;
  // Address of a system call instruction.
  uintptr_t gate;
};

// Attaches to a process that SIGSTOP stops. Returns 0, or a negative errno.
int tracee_catch(struct tracee *it, pid_t pid);

// Attaches to a running process and stops all of its threads. Returns 0, or a negative errno: -ETIMEDOUT where a thread does not stop.
int tracee_interrupt(struct tracee *it, pid_t pid);

// The same, for a process that runs no calls. Waits for each thread for at most `patience_ms`.
int tracee_stop(struct tracee *it, pid_t pid, int patience_ms);

// Runs `work` in a thread of its own, which attaches and releases. A thread of the process that did not stop in time cannot be released,
// and would stop later: with the end of the thread that attached, the kernel lets it go. Returns 0, or a negative errno.
int tracee_apart(void (*work)(void *of), void *of);

// Makes the process run a system call. @returns the call's result, or a negative errno: -ETIMEDOUT where the process runs nothing, as in
// a frozen cgroup.
long tracee_call(struct tracee *it, long number, long first, long second, long third);

// As `tracee_call`. The third argument is the address of `data`, of at most SCRATCH_BYTES bytes.
long tracee_call_with(struct tracee *it, long number, long first, long second, const void *data, size_t bytes);

// Detaches from the process, which then goes on as it was: it runs, or stays stopped. Harmless where it was not attached.
void tracee_release(struct tracee *it);
