#define _GNU_SOURCE
#include "state.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { USUAL_SLACK_NS = 50000, USUAL_FILTER = 0x33, OF_PROCESS = 1, CLASS_SHIFT = 13, MOST_CPUS = 8192 };

/** The number in a file of a process, read in this base; `otherwise` where there is none. */
static unsigned long number_in(pid_t pid, const char *name, int base, unsigned long otherwise) {
  char path[64], text[32];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (got <= 0) return otherwise;
  text[got] = 0;
  return strtoul(text, NULL, base);
}

static int write_number(pid_t pid, const char *name, const char *format, unsigned long value) {
  char path[64], text[32];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  int length = snprintf(text, sizeof text, format, value);
  int done = fd >= 0 && write(fd, text, (size_t)length) == length;
  int error = errno;
  if (fd >= 0) close(fd);
  errno = error;
  return done;
}

/** The CPUs that a process gets whose program has not chosen any: those of its cgroup, or all that run. */
static int usual_cpus(pid_t pid, cpu_set_t *cpus, size_t bytes) {
  // A change of the affinity of this process to all CPUs is cut to those of its own cgroup, so the list is read.
  char path[4400], line[4096];
  snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
  FILE *file = fopen(path, "re");
  line[0] = 0;
  while (file && fgets(line, sizeof line, file) && strncmp(line, "0::", 3) != 0) line[0] = 0;
  if (file) fclose(file);
  line[strcspn(line, "\n")] = 0;
  snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpuset.cpus.effective", line[0] ? line + 3 : "");
  file = fopen(path, "re");
  if (!file) file = fopen("/sys/devices/system/cpu/online", "re");
  if (!file) return 0;
  CPU_ZERO_S(bytes, cpus);
  for (int first, last; fscanf(file, "%d", &first) == 1;) {
    last = first;
    if (fscanf(file, "-%d", &last) < 0) last = first;
    for (int cpu = first; cpu <= last && cpu < MOST_CPUS; cpu++) CPU_SET_S((size_t)cpu, bytes, cpus);
    if (getc(file) != ',') break;
  }
  fclose(file);
  return 1;
}

/** Of sched_setattr(2). */
struct attributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

/** Of a policy without a deadline, kernels from 6.12 on tell the slice of a thread there. */
static int has_slice(const struct attributes *of) { return (of->policy == SCHED_OTHER || of->policy == SCHED_BATCH) && of->runtime > 0; }

/** That of this process, which nobody has set. */
static uint64_t usual_slice(void) {
  struct attributes own;
  return syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) || !has_slice(&own) ? 0 : own.runtime;
}

static int set_slice(pid_t outside, uint64_t ns) {
  struct attributes attributes;
  if (syscall(SYS_sched_getattr, outside, &attributes, sizeof attributes, 0)) return 0;
  attributes.runtime = ns;
  return !syscall(SYS_sched_setattr, outside, &attributes, 0);
}

/** Of the session of a process; 0 is usual. */
static int autogroup_nice(pid_t outside) {
  char path[64];
  int nice = 0;
  snprintf(path, sizeof path, "/proc/%d/autogroup", outside);
  FILE *file = fopen(path, "re");
  if (file && fscanf(file, "%*s nice %d", &nice) != 1) nice = 0;
  if (file) fclose(file);
  return nice;
}

static void save_thread(pid_t outside, pid_t inside, const cpu_set_t *usual, size_t bytes, FILE *to) {
  cpu_set_t *cpus = CPU_ALLOC(MOST_CPUS);
  long used = cpus && usual ? syscall(SYS_sched_getaffinity, outside, bytes, cpus) : -1;
  if (used > 0) {
    memset((char *)cpus + used, 0, bytes - (size_t)used);
    if (!CPU_EQUAL_S(bytes, cpus, usual)) {
      while (used > 1 && ((char *)cpus)[used - 1] == 0) used--;
      fprintf(to, "affinity %d ", inside);
      hex_write(to, cpus, (size_t)used);
      fputc('\n', to);
    }
  }
  CPU_FREE(cpus);
  // That of a thread with a realtime policy is 0.
  unsigned long slack = number_in(outside, "timerslack_ns", 10, USUAL_SLACK_NS);
  if (slack != USUAL_SLACK_NS && slack != 0) fprintf(to, "slack %d %lu\n", inside, slack);
  struct attributes attributes;
  if (!syscall(SYS_sched_getattr, outside, &attributes, sizeof attributes, 0) && has_slice(&attributes) && attributes.runtime != usual_slice())
    fprintf(to, "slice %d %llu\n", inside, (unsigned long long)attributes.runtime);
  long ioprio = syscall(SYS_ioprio_get, OF_PROCESS, outside);
  if (ioprio >> CLASS_SHIFT > 0) fprintf(to, "ioprio %d %ld\n", inside, ioprio);
}

void tasks_save(const struct process *process, FILE *to) {
  char path[300];
  size_t bytes = CPU_ALLOC_SIZE(MOST_CPUS);
  cpu_set_t *usual = CPU_ALLOC(MOST_CPUS);
  int known = usual && usual_cpus(process->outside, usual, bytes);
  snprintf(path, sizeof path, "/proc/%d/task", process->outside);
  DIR *tasks = opendir(path);
  for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%s", process->outside, entry->d_name);
    pid_t inside = processes_inside(path);
    if (inside) save_thread(atoi(entry->d_name), inside, known ? usual : NULL, bytes, to);
  }
  if (tasks) closedir(tasks);
  CPU_FREE(usual);
  int nice = autogroup_nice(process->outside);
  if (nice != 0) fprintf(to, "autogroup %d %d\n", process->inside, nice);
  unsigned long filter = number_in(process->outside, "coredump_filter", 16, USUAL_FILTER);
  if (filter != USUAL_FILTER) fprintf(to, "coredump %d %lx\n", process->inside, filter);
}

static void restore_affinity(pid_t outside, pid_t inside, const char *mask) {
  size_t bytes = CPU_ALLOC_SIZE(MOST_CPUS);
  cpu_set_t *cpus = CPU_ALLOC(MOST_CPUS), *now = CPU_ALLOC(MOST_CPUS);
  if (cpus && now) {
    CPU_ZERO_S(bytes, cpus);
    CPU_ZERO_S(bytes, now);
    int failed = hex_read(mask, cpus, bytes) < 0 || sched_setaffinity(outside, bytes, cpus);
    int error = errno;
    if (failed) lost("thread %d may use all CPUs: those that it may use are not here (%s)", inside, strerror(error));
    // The kernel leaves out the CPUs that do not exist.
    else if (!sched_getaffinity(outside, bytes, now) && !CPU_EQUAL_S(bytes, cpus, now))
      lost("thread %d may use %d CPUs instead of %d: the others are not here", inside, CPU_COUNT_S(bytes, now), CPU_COUNT_S(bytes, cpus));
  }
  CPU_FREE(cpus);
  CPU_FREE(now);
}

int tasks_restore(const char *line) {
  char kind[16];
  int inside, begin = 0;
  if (sscanf(line, "%15s %d %n", kind, &inside, &begin) != 2 || !begin) return 0;
  static const char *const kinds[] = {"affinity", "slack", "ioprio", "coredump", "autogroup", "slice"};
  size_t at = 0;
  while (at < 6 && strcmp(kind, kinds[at]) != 0) at++;
  if (at == 6) return 0;
  pid_t outside = processes_outside_thread(inside);
  const char *value = line + begin;
  if (!outside) lost("thread %d is not there any more (%s)", inside, kind);
  else if (at == 0) restore_affinity(outside, inside, value);
  else if (at == 1 && !write_number(outside, "timerslack_ns", "%lu", strtoul(value, NULL, 10)))
    lost("the timer slack of thread %d could not be set: %s", inside, strerror(errno));
  else if (at == 2 && syscall(SYS_ioprio_set, OF_PROCESS, outside, atoi(value)))
    lost("the I/O priority of thread %d could not be set: %s", inside, strerror(errno));
  else if (at == 3 && !write_number(outside, "coredump_filter", "0x%lx", strtoul(value, NULL, 16)))
    lost("the core dump filter of process %d could not be set: %s", inside, strerror(errno));
  else if (at == 4 && !write_number(outside, "autogroup", "%ld", (unsigned long)strtol(value, NULL, 10)))
    lost("the nice value of the autogroup of process %d could not be set: %s", inside, strerror(errno));
  else if (at == 5 && !set_slice(outside, strtoull(value, NULL, 10)))
    lost("the slice of thread %d could not be set: %s", inside, strerror(errno));
  return 1;
}
