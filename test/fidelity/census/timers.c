/* timerfd_create(2), timer_create(2), setitimer(2). Remaining times change, so that only "armed" is reported of them. */
#include "census.h"
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static const struct {
  const char *name;
  int clock, flags, set_flags;
  struct itimerspec value;
} kinds[] = {
    {"timerfd.monotonic", CLOCK_MONOTONIC, TFD_CLOEXEC, 0, {{777, 5}, {500000, 0}}},
    {"timerfd.realtime", CLOCK_REALTIME, 0, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, {{888, 0}, {4102444800, 0}}},
    {"timerfd.boottime", CLOCK_BOOTTIME, TFD_NONBLOCK, 0, {{999, 0}, {600000, 0}}},
    {"timerfd.expired", CLOCK_MONOTONIC, TFD_NONBLOCK, 0, {{0, 0}, {0, 1}}},
    {"timerfd.unarmed", CLOCK_REALTIME, TFD_NONBLOCK, 0, {{0, 0}, {0, 0}}},
};
static int timerfds[COUNT(kinds)];

static void give_timerfd(void) {
  for (size_t i = 0; i < COUNT(kinds); i++) {
    timerfds[i] = timerfd_create(kinds[i].clock, kinds[i].flags);
    if (!given(text("%s.interval", kinds[i].name), timerfds[i])) continue;
    hold(kinds[i].name, timerfds[i]);
    timerfd_settime(timerfds[i], kinds[i].set_flags, &kinds[i].value, NULL);
  }
}

static int alarm_timer;

static void give_alarm(void) {
  alarm_timer = hold("refused-timerfd-alarm.timer", timerfd_create(CLOCK_BOOTTIME_ALARM, 0));
  if (given("refused-timerfd-alarm.clock", alarm_timer)) timerfd_settime(alarm_timer, 0, &(struct itimerspec){{0, 0}, {600000, 0}}, NULL);
}

static void tell_alarm(void) { tell("refused-timerfd-alarm.clock", "%s", descriptor_line(alarm_timer, "clockid:")); }

static const char *armed(const struct itimerspec *value) {
  return value->it_value.tv_sec || value->it_value.tv_nsec ? "armed" : "not armed";
}

static void tell_timerfd(void) {
  for (size_t i = 0; i < COUNT(kinds); i++) {
    struct itimerspec value = {0};
    uint64_t ticks = 0;
    const char *name = kinds[i].name;
    if (timerfds[i] < 0) continue;
    if (timerfd_gettime(timerfds[i], &value)) tell_number(text("%s.interval", name), -1);
    else tell(text("%s.interval", name), "%ld.%09ld", (long)value.it_interval.tv_sec, value.it_interval.tv_nsec);
    tell(text("%s.armed", name), "%s", armed(&value));
    tell(text("%s.clock", name), "%s", descriptor_line(timerfds[i], "clockid:"));
    tell(text("%s.settime_flags", name), "%s", descriptor_line(timerfds[i], "settime flags:"));
    tell(text("%s.ticks", name), "%s", descriptor_line(timerfds[i], "ticks:"));
    if (draining && i == 3) tell_number(text("%s.content", name), read(timerfds[i], &ticks, sizeof ticks) < 0 ? -1 : (long)ticks);
  }
}

static const struct {
  const char *name;
  int clock, notify, flags;
  struct itimerspec value;
} posix_kinds[] = {
    {"timer.signal", CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, {{555, 7}, {400000, 0}}},
    {"timer.none", CLOCK_REALTIME, SIGEV_NONE, 0, {{556, 0}, {400001, 0}}},
    {"timer.absolute", CLOCK_REALTIME, SIGEV_SIGNAL, TIMER_ABSTIME, {{0, 0}, {4102444800, 0}}},
    {"timer.boottime", CLOCK_BOOTTIME, SIGEV_SIGNAL, 0, {{557, 0}, {400002, 0}}},
    {"timer.cpu", CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, 0, {{558, 0}, {400003, 0}}},
    {"timer.unarmed", CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, {{0, 0}, {0, 0}}},
    {"timer.overrun", CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, {{0, 0}, {0, 1}}},
};
static timer_t posix_timers[COUNT(posix_kinds)];

/* The C library hides the kernel's numbers of timers; the kernel counts from 0. */
static void give_timer(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 8);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (size_t i = 0; i < COUNT(posix_kinds); i++) {
    struct sigevent event = {.sigev_notify = posix_kinds[i].notify, .sigev_signo = SIGRTMIN + 8, .sigev_value.sival_int = 100 + (int)i};
    if (!given(text("%s.interval", posix_kinds[i].name), timer_create(posix_kinds[i].clock, &event, &posix_timers[i]))) continue;
    timer_settime(posix_timers[i], posix_kinds[i].flags, &posix_kinds[i].value, NULL);
  }
}

/* /proc/PID/timers names a timer by a number of the kernel; here its value names it. */
static void tell_kernel(void) {
  char line[128], notify[32] = "";
  int number = 0, value = 0, clock;
  FILE *file = fopen("/proc/self/timers", "re");
  while (file && fgets(line, sizeof line, file)) {
    sscanf(line, "signal: %d/%x", &number, (unsigned *)&value);
    sscanf(line, "notify: %31[^.]", notify);
    if (sscanf(line, "ClockID: %d", &clock) == 1)
      tell(text("timer.kernel.%d", value), "signal %d, %s, clock %d", number, notify, clock < 0 ? -1 : clock);
  }
  if (file) fclose(file);
}

static void tell_timer(void) {
  for (size_t i = 0; i < COUNT(posix_kinds); i++) {
    struct itimerspec value = {0};
    const char *name = posix_kinds[i].name;
    if (timer_gettime(posix_timers[i], &value)) tell_number(text("%s.interval", name), -1);
    else tell(text("%s.interval", name), "%ld.%09ld", (long)value.it_interval.tv_sec, value.it_interval.tv_nsec);
    tell(text("%s.armed", name), "%s", armed(&value));
    tell_number(text("%s.overrun", name), timer_getoverrun(posix_timers[i]));
  }
  tell_kernel();
  if (!draining) return;
  sigset_t set;
  siginfo_t info = {0};
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN + 8);
  int got = sigtimedwait(&set, &info, &(struct timespec){0, 0});
  tell("timer.overrun.content", "%s, value %d, code %d", got > 0 ? "signal" : "none", info.si_int, info.si_code);
}

static void give_itimer(void) {
  given("itimer.ITIMER_REAL", setitimer(ITIMER_REAL, &(struct itimerval){{333, 44}, {300000, 0}}, NULL));
  given("itimer.ITIMER_VIRTUAL", setitimer(ITIMER_VIRTUAL, &(struct itimerval){{334, 0}, {300001, 0}}, NULL));
  given("itimer.ITIMER_PROF", setitimer(ITIMER_PROF, &(struct itimerval){{335, 0}, {300002, 0}}, NULL));
}

static void tell_itimer(void) {
  static const char *const names[] = {"itimer.ITIMER_REAL", "itimer.ITIMER_VIRTUAL", "itimer.ITIMER_PROF"};
  for (int i = 0; i < 3; i++) {
    struct itimerval value = {0};
    getitimer((__itimer_which_t)i, &value);
    tell(names[i], "%s, interval %ld.%06ld", value.it_value.tv_sec > 250000 ? "armed" : "not armed", (long)value.it_interval.tv_sec,
         (long)value.it_interval.tv_usec);
  }
}

const struct area timer_areas[] = {
    {"timerfd", give_timerfd, tell_timerfd, false, false, "clocks, intervals, flags, ticks"},
    {"refused-timerfd-alarm", give_alarm, tell_alarm, true, true,
     "a clock that wakes the machine, needs CAP_WAKE_ALARM; refused in the dump"},
    {"timer", give_timer, tell_timer, true, false, "timer_create(2)"},
    {"itimer", give_itimer, tell_itimer, true, false, "setitimer(2)"},
    {0},
};
