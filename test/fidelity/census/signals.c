/* signal(7), sigaction(2), sigaltstack(2). */
#include "census.h"
#include <time.h>

#ifndef SA_UNSUPPORTED
#define SA_UNSUPPORTED 0x400
#endif

static void handle(int number) { (void)number; }
static void handle_info(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)info;
  (void)context;
}

static const struct {
  const char *name;
  int number, flags;
  bool info;
} handled[] = {
    {"signal.SIGUSR1", SIGUSR1, SA_RESTART | SA_ONSTACK, false},
    {"signal.SIGTERM", SIGTERM, SA_NODEFER, false},
    {"signal.SIGALRM", SIGALRM, SA_RESETHAND, false},
    {"signal.SIGCHLD", SIGCHLD, SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO, true},
    {"signal.SIGRTMIN_2", 36, SA_SIGINFO | SA_RESTART, true},
    {"signal.SIGHUP", SIGHUP, -1, false},
};
static char stack[65536];

static void give_signal(void) {
  for (size_t i = 0; i < COUNT(handled); i++) {
    struct sigaction action = {.sa_flags = handled[i].flags == -1 ? 0 : handled[i].flags};
    if (handled[i].info) action.sa_sigaction = handle_info;
    else action.sa_handler = handled[i].flags == -1 ? SIG_IGN : handle;
    sigaddset(&action.sa_mask, SIGUSR2);
    sigaddset(&action.sa_mask, SIGRTMIN + 1 + (int)i);
    given(handled[i].name, sigaction(handled[i].number, &action, NULL));
  }
  given("signal.alternate_stack", sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL));
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigaddset(&blocked, SIGPIPE);
  sigaddset(&blocked, SIGRTMIN + 3);
  sigaddset(&blocked, SIGRTMIN + 4);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  /* Real-time signals wait in order, with their values; others wait once. */
  for (int i = 1; i <= 3; i++) given("signal.pending_process", sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1000 + i}));
  kill(getpid(), SIGUSR2);
  siginfo_t info = {.si_signo = SIGRTMIN + 4, .si_code = SI_QUEUE};
  info.si_value.sival_int = 2001;
  given("signal.pending_thread", syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGRTMIN + 4, &info));
}

/* The kernel's own structure, because the C library hides SA_RESTORER. */
struct kernel_action {
  void *handler;
  unsigned long flags;
  void *restorer;
  uint64_t mask;
};

static void tell_signal(void) {
  for (size_t i = 0; i < COUNT(handled); i++) {
    struct kernel_action action = {0};
    const char *handler = "other";
    syscall(SYS_rt_sigaction, handled[i].number, NULL, &action, 8);
    if (action.handler == (void *)handle || action.handler == (void *)handle_info) handler = "own";
    if (action.handler == (void *)SIG_IGN) handler = "ignored";
    tell(handled[i].name, "%s, flags %#lx, mask %016lx, restorer %s", handler, action.flags, (unsigned long)action.mask,
         action.restorer ? "set" : "none");
  }
  stack_t now = {0};
  sigaltstack(NULL, &now);
  tell("signal.alternate_stack", "%s, %zu bytes, flags %d", now.ss_sp == stack ? "own" : "other", now.ss_size, now.ss_flags);
  tell("signal.blocked", "%s", line_after("/proc/self/status", "SigBlk:"));
  tell("signal.ignored", "%s", line_after("/proc/self/status", "SigIgn:"));
  tell("signal.caught", "%s", line_after("/proc/self/status", "SigCgt:"));
  tell("signal.pending_process", "%s", line_after("/proc/self/status", "ShdPnd:"));
  tell("signal.pending_thread", "%s", line_after("/proc/self/status", "SigPnd:"));
  if (!draining) return;
  char all[256] = "";
  sigset_t set;
  siginfo_t info;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 3);
  sigaddset(&set, SIGRTMIN + 4);
  sigaddset(&set, SIGUSR2);
  for (int i = 0; i < 8 && sigtimedwait(&set, &info, &(struct timespec){0, 0}) > 0; i++)
    sprintf(all + strlen(all), "%d: code %d, value %d, sender %s; ", info.si_signo, info.si_code,
            info.si_signo == SIGUSR2 ? 0 : info.si_int, info.si_pid == getpid() ? "self" : "other");
  tell("signal.content", "%s", all);
}

const struct area signal_areas[] = {{"signal", give_signal, tell_signal, true, false, "handlers, masks, pending signals"}, {0}};
