/* What a process sees of time, and the totals that the kernel keeps of it. Values are compared with those at the start, in memory. */
#include "census.h"
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

static struct timespec last[3];
static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME};
static const char *const names[] = {"time.CLOCK_MONOTONIC", "time.CLOCK_BOOTTIME", "time.CLOCK_REALTIME"};
static clock_t last_times;

static void give_time(void) {
  for (int i = 0; i < 3; i++) clock_gettime(clocks[i], &last[i]);
  last_times = times(NULL);
}

static double seconds(struct timespec at) { return (double)at.tv_sec + (double)at.tv_nsec / 1e9; }

static void tell_time(void) {
  struct timespec now[3];
  struct tms unused;
  for (int i = 0; i < 3; i++) {
    clock_gettime(clocks[i], &now[i]);
    tell(names[i], "%s", seconds(now[i]) >= seconds(last[i]) ? "forward" : "backward");
  }
  double real = seconds(now[2]) - seconds(last[2]), monotonic = seconds(now[0]) - seconds(last[0]);
  tell("time.together", "%s", real - monotonic < 120 && monotonic - real < 120 ? "yes" : "no");
  tell("time.times", "%s", (long)(times(&unused) - last_times) >= 0 ? "forward" : "backward");
  memcpy(last, now, sizeof last);
  last_times = times(&unused);
}

static char start_time[32];
static struct rusage used, children;
static struct timespec thread_cpu;
static long minor, read_bytes, written_bytes, peak;

static long number_of(const char *path, const char *key) { return atol(line_after(path, key)); }

static void give_clock(void) {
  struct timespec from, now;
  pid_t child = fork();
  /* More than a restore costs, which the kernel counts for the restored process. */
  clock_gettime(CLOCK_MONOTONIC, &from);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while (seconds(now) - seconds(from) < 0.8);
  if (child == 0) _exit(0);
  /* Makes the totals of the children. */
  while (child > 0 && kill(child, 0) == 0 && *stat_field(child, 3) != 'Z') usleep(1000);
  char *memory = malloc(8 << 20);
  if (memory) memset(memory, 1, 8 << 20);
  free(memory);

  wait(NULL);
  snprintf(start_time, sizeof start_time, "%s", stat_field(getpid(), 22));
  getrusage(RUSAGE_SELF, &used);
  getrusage(RUSAGE_CHILDREN, &children);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &thread_cpu);
  minor = atol(stat_field(getpid(), 10));
  read_bytes = number_of("/proc/self/io", "rchar:");
  written_bytes = number_of("/proc/self/io", "wchar:");
  peak = number_of("/proc/self/status", "VmHWM:");
}

static const char *kept(bool kept) { return kept ? "as before or more" : "less"; }

static double cpu(const struct rusage *usage) {
  return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) + (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void tell_clock(void) {
  struct rusage now, of_children;
  struct timespec cpu_now;
  getrusage(RUSAGE_SELF, &now);
  getrusage(RUSAGE_CHILDREN, &of_children);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_now);
  tell("clock.start_time", "%s", strcmp(start_time, stat_field(getpid(), 22)) ? "other" : "same");
  tell("clock.cpu", "%s", kept(cpu(&now) + 0.001 >= cpu(&used)));
  tell("clock.cpu_of_children", "%s", kept(cpu(&of_children) + 0.001 >= cpu(&children)));
  tell("clock.CLOCK_PROCESS_CPUTIME_ID", "%s", kept(seconds(cpu_now) >= seconds(thread_cpu)));
  tell("clock.minor_faults", "%s", kept(atol(stat_field(getpid(), 10)) >= minor));
  tell("clock.context_switches", "%s", kept(now.ru_nvcsw >= used.ru_nvcsw));
  tell("clock.read", "%s", kept(number_of("/proc/self/io", "rchar:") >= read_bytes));
  tell("clock.written", "%s", kept(number_of("/proc/self/io", "wchar:") >= written_bytes));
  tell("clock.peak_memory", "%s", kept(number_of("/proc/self/status", "VmHWM:") >= peak));
}

static uint64_t cookie_of_socket;
static ino_t inodes[3];
static int objects[3];
static char boot[64], names_of[4][64];
static const char *const spaces[] = {"net", "mnt", "pid", "ipc"};

static void give_inner(void) {
  socklen_t size = sizeof cookie_of_socket;
  int pair[2];
  struct stat about;
  if (pipe(pair)) return;
  objects[0] = socket(AF_INET, SOCK_DGRAM, 0);
  objects[1] = pair[0];
  objects[2] = (int)syscall(SYS_memfd_create, "inner", 0);
  getsockopt(objects[0], SOL_SOCKET, SO_COOKIE, &cookie_of_socket, &size);
  for (int i = 0; i < 3; i++) inodes[i] = fstat(objects[i], &about) ? 0 : about.st_ino;
  snprintf(boot, sizeof boot, "%.60s", file_text("/proc/sys/kernel/random/boot_id"));
  for (int i = 0; i < 4; i++)
    if (readlink(text("/proc/self/ns/%s", spaces[i]), names_of[i], 63) < 0) *names_of[i] = 0;
}

static void tell_inner(void) {
  static const char *const of[] = {"inner.inode.socket", "inner.inode.pipe", "inner.inode.memfd"};
  uint64_t now = 0;
  socklen_t size = sizeof now;
  struct stat about;
  getsockopt(objects[0], SOL_SOCKET, SO_COOKIE, &now, &size);
  tell("inner.SO_COOKIE", "%s", now == cookie_of_socket ? "same" : "other");
  for (int i = 0; i < 3; i++) tell(of[i], "%s", !fstat(objects[i], &about) && about.st_ino == inodes[i] ? "same" : "other");
  tell("inner.boot_id", "%s", strncmp(boot, file_text("/proc/sys/kernel/random/boot_id"), 36) ? "other" : "same");
  for (int i = 0; i < 4; i++) {
    char name[64] = "";
    if (readlink(text("/proc/self/ns/%s", spaces[i]), name, 63) < 0) continue;
    tell(text("inner.namespace.%s", spaces[i]), "%s", strcmp(name, names_of[i]) ? "other" : "same");
  }
}

const struct area clock_areas[] = {
    {"time", give_time, tell_time, false, false, "clocks go forward"},
    {"clock", give_clock, tell_clock, true, false, "start time and totals of a process; the kernel has no cure"},
    {"inner", give_inner, tell_inner, true, true, "inode numbers, cookies, names of namespaces; the kernel has no cure"},
    {0},
};
