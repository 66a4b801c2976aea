/* sched(7), sched_setattr(2), ioprio_set(2), autogroups. */
#include "census.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* As in linux/sched/types.h, which cannot be included beside sched.h everywhere. */
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t low, high;
};

enum { reset_on_fork = 1, keep_policy = 8, keep_parameters = 16, clamp_low = 32, clamp_high = 64 };

static long set(struct attributes attributes) {
  attributes.size = sizeof attributes;
  return syscall(SYS_sched_setattr, 0, &attributes, 0);
}

static struct attributes get(pid_t pid) {
  struct attributes attributes = {0};
  if (syscall(SYS_sched_getattr, pid, &attributes, sizeof attributes, 0)) attributes.policy = 99;
  return attributes;
}

static void tell_attributes(const char *area) {
  struct attributes now = get(0);
  tell(text("%s.policy", area), "%u", now.policy);
  tell(text("%s.flags", area), "%lu", (unsigned long)now.flags);
  tell(text("%s.nice", area), "%d", now.nice);
  tell(text("%s.priority", area), "%u", now.priority);
}

static void give_batch(void) {
  given("sched.policy", set((struct attributes){.policy = SCHED_BATCH, .flags = reset_on_fork, .nice = 12}));
  given("sched.ioprio", syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 5));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  given("sched.affinity", sched_setaffinity(0, sizeof one, &one));
}

static void tell_batch(void) {
  tell_attributes("sched");
  tell("sched.affinity", "%s", line_after("/proc/self/status", "Cpus_allowed_list:"));
  tell_number("sched.ioprio", syscall(SYS_ioprio_get, 1, 0));
  errno = 0;
  tell_number("sched.getpriority", getpriority(PRIO_PROCESS, 0));
}

static void give_idle(void) {
  given("sched-idle.policy", set((struct attributes){.policy = SCHED_IDLE}));
  given("sched-idle.ioprio", syscall(SYS_ioprio_set, 1, 0, 3 << 13));
}

static void tell_idle(void) {
  tell_attributes("sched-idle");
  tell_number("sched-idle.ioprio", syscall(SYS_ioprio_get, 1, 0));
}

static void give_real(void) {
  given("sched-rr.policy", set((struct attributes){.policy = SCHED_RR, .priority = 3}));
  given("sched-rr.ioprio", syscall(SYS_ioprio_set, 1, 0, 1 << 13 | 3));
}

static void tell_real(void) {
  tell_attributes("sched-rr");
  tell_number("sched-rr.ioprio", syscall(SYS_ioprio_get, 1, 0));
}

static void give_fifo(void) {
  given("sched-fifo.policy", set((struct attributes){.policy = SCHED_FIFO, .flags = reset_on_fork, .priority = 4}));
}
static void tell_fifo(void) { tell_attributes("sched-fifo"); }

static void give_deadline(void) {
  given("sched-deadline.policy",
        set((struct attributes){.policy = 6, .flags = reset_on_fork, .runtime = 1000000, .deadline = 50000000, .period = 100000000}));
}

static void tell_deadline(void) {
  struct attributes now = get(0);
  tell_attributes("sched-deadline");
  tell("sched-deadline.times", "%lu %lu %lu", (unsigned long)now.runtime, (unsigned long)now.deadline, (unsigned long)now.period);
}

static void give_clamp(void) {
  given("uclamp.range", set((struct attributes){.flags = keep_policy | keep_parameters | clamp_low | clamp_high, .low = 100, .high = 600}));
}

static void tell_clamp(void) {
  struct attributes now = get(0);
  tell("uclamp.range", "%u %u", now.low, now.high);
}

/* A custom slice of the fair scheduler, of 6.12 and later. */
static void give_slice(void) { given("slice.runtime", set((struct attributes){.policy = SCHED_OTHER, .nice = 11, .runtime = 20000000})); }

static void tell_slice(void) { tell("slice.runtime", "%lu", (unsigned long)get(0).runtime); }

static void give_autogroup(void) {
  setsid();
  int fd = open("/proc/self/autogroup", O_WRONLY);
  given("autogroup.nice", fd < 0 ? -1 : write(fd, "6", 1));
  close(fd);
}

/* The number before is the group's, and the kernel's own. */
static void tell_autogroup(void) {
  const char *line = line_after("/proc/self/autogroup", "/autogroup-");
  const char *nice = strstr(line, "nice");
  tell("autogroup.nice", "%s", nice ? nice : line);
}

static void give_core(void) { given("core-sched.cookie", prctl(62, 1, 0, 0, 0)); }

static void tell_core(void) {
  unsigned long cookie = 0;
  tell("core-sched.cookie", "%s", prctl(62, 0, 0, 0, &cookie) ? error_name(errno) : cookie ? "some" : "none");
}

const struct area sched_areas[] = {
    {"sched", give_batch, tell_batch, true, false, "SCHED_BATCH, nice, affinity, priority of I/O"},
    {"sched-idle", give_idle, tell_idle, true, false, "SCHED_IDLE"},
    {"sched-rr", give_real, tell_real, true, false, "SCHED_RR, needs CAP_SYS_NICE"},
    {"sched-fifo", give_fifo, tell_fifo, true, false, "SCHED_FIFO, needs CAP_SYS_NICE"},
    {"sched-deadline", give_deadline, tell_deadline, true, true, "SCHED_DEADLINE, needs CAP_SYS_NICE; refused in the restore"},
    {"uclamp", give_clamp, tell_clamp, true, false, "utilization clamps"},
    {"slice", give_slice, tell_slice, true, false, "a slice of the fair scheduler"},
    {"autogroup", give_autogroup, tell_autogroup, true, false, "nice of an autogroup"},
    {"core-sched", give_core, tell_core, true, true, "a cookie of core scheduling; not tried"},
    {0},
};
