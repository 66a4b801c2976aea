#include "restart.h"

#if defined(__x86_64__)
#include <sys/syscall.h>

/** Codes of the kernel (include/linux/errno.h), which no program sees. */
enum { RESTART_BY_BLOCK = -516, RESTART_UNLESS_HANDLED = -514 };

int restart_exactly(struct user_regs_struct *thread) {
  if ((long long)thread->rax != RESTART_BY_BLOCK) return 0;
  switch (thread->orig_rax) {
    case SYS_poll:
      if ((int)thread->rdx >= 0) return 0;
      break;
    // The kernel has written the time that is left.
    case SYS_nanosleep:
      if (!thread->rsi) return 0;
      thread->rdi = thread->rsi;
      break;
    case SYS_clock_nanosleep:
      if (!thread->r10) return 0;
      thread->rdx = thread->r10;
      break;
    default:
      return 0;
  }
  thread->rax = (unsigned long long)RESTART_UNLESS_HANDLED;
  return 1;
}
#else
int restart_exactly(struct user_regs_struct *thread) {
  (void)thread;
  return 0;
}
#endif
