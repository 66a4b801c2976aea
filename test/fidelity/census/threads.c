/* What each thread has for itself. */
#include "census.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static _Atomic pid_t first, second;
static _Atomic int asked, answered;
static long slack;
static char alternate[32768], stack_state[64], robust_state[64];
/* What set_robust_list wants; an own one instead of the C library's. */
static struct {
  void *next;
  long offset;
  void *pending;
} robust = {&robust, -8, NULL};

static void *quiet_thread(void *unused) {
  pid_t self = (pid_t)syscall(SYS_gettid);
  (void)unused;
  prctl(PR_SET_NAME, "census-thread");
  given("thread.nice", setpriority(PRIO_PROCESS, (id_t)self, 13));
  given("thread.policy", sched_setscheduler(self, SCHED_BATCH | SCHED_RESET_ON_FORK, &(struct sched_param){0}));
  given("thread.ioprio", syscall(SYS_ioprio_set, 1, self, 2 << 13 | 6));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  given("thread.affinity", sched_setaffinity(self, sizeof one, &one));
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigaddset(&blocked, SIGRTMIN + 9);
  pthread_sigmask(SIG_SETMASK, &blocked, NULL);
  siginfo_t info = {.si_signo = SIGRTMIN + 9, .si_code = SI_QUEUE};
  info.si_value.sival_int = 99;
  given("thread.pending", syscall(SYS_rt_tgsigqueueinfo, getpid(), self, SIGRTMIN + 9, &info));
  atomic_store(&first, self);
  while (pause()) continue;
  return NULL;
}

/* Only a thread itself may read these without CAP_SYS_NICE or at all. */
static void *answering_thread(void *unused) {
  (void)unused;
  given("thread.timer_slack", prctl(PR_SET_TIMERSLACK, 7654321));
  given("thread.alternate_stack",
        sigaltstack(&(stack_t){.ss_sp = alternate, .ss_size = sizeof alternate, .ss_flags = (int)(1u << 31)}, NULL));
  given("thread.robust_list", syscall(SYS_set_robust_list, &robust, sizeof robust));
  given("thread.no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  atomic_store(&second, (pid_t)syscall(SYS_gettid));
  while (true) {
    int now = atomic_load(&asked);
    if (now != atomic_load(&answered)) {
      stack_t stack = {0};
      void *list = NULL;
      size_t size = 0;
      sigaltstack(NULL, &stack);
      snprintf(stack_state, sizeof stack_state, "%s, %zu bytes, flags %#x", stack.ss_sp == alternate ? "own" : "other", stack.ss_size,
               (unsigned)stack.ss_flags);
      syscall(SYS_get_robust_list, 0, &list, &size);
      snprintf(robust_state, sizeof robust_state, "%s, %zu bytes", list == &robust ? "own" : list ? "other" : "none", size);
      slack = prctl(PR_GET_TIMERSLACK);
      atomic_store(&answered, now);
      syscall(SYS_futex, &answered, FUTEX_WAKE, 9, NULL, NULL, 0);
    }
    syscall(SYS_futex, &asked, FUTEX_WAIT, now, &(struct timespec){1, 0}, NULL, 0);
  }
  return NULL;
}

static void give_thread(void) {
  pthread_t made;
  if (!given("thread.name", -pthread_create(&made, NULL, quiet_thread, NULL)) || pthread_create(&made, NULL, answering_thread, NULL))
    return;
  while (!atomic_load(&first) || !atomic_load(&second)) usleep(1000);
}

static void tell_thread(void) {
  pid_t tid = atomic_load(&first);
  char *status;
  tell("thread.name", "%s", file_text(text("/proc/self/task/%d/comm", tid)));
  tell("thread.affinity", "%s", line_after(text("/proc/self/task/%d/status", tid), "Cpus_allowed_list:"));
  errno = 0;
  tell_number("thread.nice", getpriority(PRIO_PROCESS, (id_t)tid));
  tell("thread.policy", "%#x", (unsigned)sched_getscheduler(tid));
  tell_number("thread.ioprio", syscall(SYS_ioprio_get, 1, tid));
  status = text("/proc/self/task/%d/status", tid);
  tell("thread.blocked", "%s", line_after(status, "SigBlk:"));
  status = text("/proc/self/task/%d/status", tid);
  tell("thread.pending", "%s", line_after(status, "SigPnd:"));
  tell("thread.no_new_privs", "%s", line_after(text("/proc/self/task/%d/status", atomic_load(&second)), "NoNewPrivs:"));
  tell("thread.count", "%s", line_after("/proc/self/status", "Threads:"));
  int now = atomic_fetch_add(&asked, 1) + 1;
  syscall(SYS_futex, &asked, FUTEX_WAKE, 9, NULL, NULL, 0);
  for (int i = 0; i < 50 && atomic_load(&answered) != now; i++) usleep(50 * 1000);
  bool there = atomic_load(&answered) == now;
  tell_number("thread.timer_slack", there ? slack : -1);
  tell("thread.alternate_stack", "%s", there ? stack_state : "silent");
  tell("thread.robust_list", "%s", there ? robust_state : "silent");
}

static timer_t on_thread, on_main;

static void make_timer(const char *name, pid_t tid, timer_t *timer) {
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 9, .sigev_value.sival_int = 5};
  event._sigev_un._tid = tid;
  if (given(name, timer_create(CLOCK_MONOTONIC, &event, timer)))
    timer_settime(*timer, 0, &(struct itimerspec){{222, 0}, {222222, 0}}, NULL);
}

static void tell_timer(const char *name, timer_t timer) {
  struct itimerspec value = {0};
  if (timer_gettime(timer, &value)) tell_number(name, -1);
  else tell(name, "%s, interval %ld", value.it_value.tv_sec ? "armed" : "not armed", (long)value.it_interval.tv_sec);
}

static void tell_target(const char *name, pid_t tid) {
  const char *line = line_after("/proc/self/timers", "notify:");
  const char *at = strchr(line, '.');
  tell(name, "%.*s %s", (int)strcspn(line, "."), line, at && atoi(at + 1) == tid ? "right thread" : "other thread");
}

static void give_thread_timer(void) {
  give_thread();
  make_timer("timer-thread.timer", atomic_load(&first), &on_thread);
}

static void tell_thread_timer(void) {
  tell_timer("timer-thread.timer", on_thread);
  tell_target("timer-thread.target", atomic_load(&first));
}

static void give_main_timer(void) {
  give_thread();
  make_timer("timer-main-thread.timer", getpid(), &on_main);
}

static void tell_main_timer(void) {
  tell_timer("timer-main-thread.timer", on_main);
  tell_target("timer-main-thread.target", getpid());
}

static void *ending_thread(void *unused) {
  (void)unused;
  make_timer("timer-ended-thread.timer", (pid_t)syscall(SYS_gettid), &on_thread);
  return NULL;
}

static void give_ended_timer(void) {
  pthread_t made;
  if (!pthread_create(&made, NULL, ending_thread, NULL)) pthread_join(made, NULL);
}

static void tell_ended_timer(void) { tell_timer("timer-ended-thread.timer", on_thread); }

const struct area thread_areas[] = {
    {"thread", give_thread, tell_thread, true, false, "names, affinity, slack, masks, stacks of threads"},
    {"timer-thread", give_thread_timer, tell_thread_timer, true, false, "a timer on a second thread"},
    {"timer-main-thread", give_main_timer, tell_main_timer, true, false, "a timer on the main thread of a threaded program"},
    {"timer-ended-thread", give_ended_timer, tell_ended_timer, true, true, "a timer on a thread that ended; refused in the restore"},
    {0},
};
