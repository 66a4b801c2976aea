// A stopped process that is made to run system calls.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { SCRATCH_BYTES = 64 };

struct tracee {
  pid_t pid;
  struct user_regs_struct registers;
  uint64_t signals;
  /** Address of a system call instruction. */
  uintptr_t gate;
  /** Address of memory in the process for the data of a call, and the bytes that were there before. */
  uintptr_t scratch;
  char kept[SCRATCH_BYTES];
};

/** Attaches to a process that SIGSTOP stops. Returns 0, or a negative errno. */
int tracee_catch(struct tracee *it, pid_t pid);

/** Makes the process run a system call. The third argument is the address of `data`. @returns the call's result, or a negative errno */
long tracee_call(struct tracee *it, long number, long first, long second, const void *data, size_t bytes);

/** Detaches from the process, which stays stopped. Harmless where it was not attached. */
void tracee_release(struct tracee *it);
