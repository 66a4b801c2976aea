// A process that is stopped, and calls the kernel for us.
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
  /** Address of an instruction that calls the kernel. */
  uintptr_t gate;
  /** Address of memory of its own that a call may point to, and what was there. */
  uintptr_t scratch;
  char kept[SCRATCH_BYTES];
};

/** Takes hold of a process that SIGSTOP stops; 0, or a negative errno. */
int tracee_catch(struct tracee *it, pid_t pid);

/** Has it call the kernel with `data` in its scratch memory, whose address is the last argument. @returns the call's result */
long tracee_call(struct tracee *it, long number, long first, long second, const void *data, size_t bytes);

/** Lets go of it, stopped as it was. Harmless where it was not caught. */
void tracee_release(struct tracee *it);
