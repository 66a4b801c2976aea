#include "restart.h"

#if defined(__x86_64__)
#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>

/** Codes of the kernel (include/linux/errno.h), which no program sees. */
enum { RESTART_BY_BLOCK = -516, RESTART_UNLESS_HANDLED = -514 };

/** No program polls so many files at once, and no address of a usual program lies below. */
static const unsigned long long LOWEST_ADDRESS = 0x200000;
static const unsigned long long MOST_CLOCKS = 16;

static bool is_address(unsigned long long value, unsigned long long alignment) {
  return value >= LOWEST_ADDRESS && value < 1ull << 56 && value % alignment == 0;
}

/**
 * A thread that was stopped before in its call (a freeze, a debugger, SIGSTOP) is in restart_syscall(2) since, and the kernel tells nobody
 * for which call. The arguments are still there, and only four calls have such a restart: two sleeps, poll and futex. @returns the call, if
 * its arguments fit no other one; -1 otherwise
 */
static long long restarted(const struct user_regs_struct *thread) {
  unsigned long long first = thread->rdi, second = thread->rsi, third = thread->rdx, fourth = thread->r10;
  if (is_address(first, 8) && is_address(second, 8)) return SYS_nanosleep;
  if (first < MOST_CLOCKS && second == 0 && is_address(third, 8)) return SYS_clock_nanosleep;
  bool may_be_futex = is_address(first, 4) && is_address(fourth, 8);
  bool has_files = second ? second < LOWEST_ADDRESS && is_address(first, 4) : first == 0;
  if ((int)third < 0 && !is_address(third, 8) && has_files && !may_be_futex) return SYS_poll;
  return -1;
}

/** Whether a call that gives EINTR after any stop, as after `docker pause`, loses nothing if it is made again. */
static bool has_no_end(const struct user_regs_struct *thread) {
  switch (thread->orig_rax) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
      return (int)thread->r10 < 0;
    case SYS_semop:
      return true;
    case SYS_semtimedop:
      return !thread->r10;
    case SYS_rt_sigtimedwait:
      return !thread->rdx;
    // Of a socket with a timeout, which begins anew.
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg:
    case SYS_accept:
    case SYS_accept4:
      return true;
    default:
      return false;
  }
}

int restart_exactly(struct user_regs_struct *thread) {
  if ((long long)thread->rax == -EINTR && has_no_end(thread)) {
    thread->rax = (unsigned long long)RESTART_UNLESS_HANDLED;
    return 1;
  }
  if ((long long)thread->rax != RESTART_BY_BLOCK) return 0;
  long long call = (long long)thread->orig_rax == SYS_restart_syscall ? restarted(thread) : (long long)thread->orig_rax;
  switch (call) {
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
  thread->orig_rax = (unsigned long long)call;
  thread->rax = (unsigned long long)RESTART_UNLESS_HANDLED;
  return 1;
}
#else
int restart_exactly(struct user_regs_struct *thread) {
  (void)thread;
  return 0;
}
#endif
