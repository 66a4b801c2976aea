/* getrlimit(2) and the files of /proc/PID that a process can write. */
#include "census.h"
#include <sys/resource.h>

static const struct {
  const char *name;
  int number;
  rlim_t soft, hard;
} limits[] = {
    {"RLIMIT_AS", RLIMIT_AS, 1ull << 40, 1ull << 41},
    {"RLIMIT_CORE", RLIMIT_CORE, 12345, 23456},
    {"RLIMIT_CPU", RLIMIT_CPU, 11111, 22222},
    {"RLIMIT_DATA", RLIMIT_DATA, 1ull << 39, 1ull << 40},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE, 1 << 30, 1ull << 31},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS, 111, 222},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, 65536, 65536},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE, 100000, 200000},
    {"RLIMIT_NICE", RLIMIT_NICE, 0, 0},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE, 333, 444},
    {"RLIMIT_NPROC", RLIMIT_NPROC, 4444, 5555},
    {"RLIMIT_RSS", RLIMIT_RSS, 1 << 28, 1 << 29},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO, 0, 0},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME, 1000000, 2000000},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING, 55, 66},
    {"RLIMIT_STACK", RLIMIT_STACK, 4 << 20, 6 << 20},
};

static void give_limits(void) {
  for (size_t i = 0; i < COUNT(limits); i++) {
    /* Those of 0 are raised; that needs CAP_SYS_RESOURCE. */
    struct rlimit value = {limits[i].soft, limits[i].hard};
    if (!value.rlim_max) value = (struct rlimit){3, 5};
    long result = prlimit(0, (__rlimit_resource_t)limits[i].number, &value, NULL);
    given(text("limits.%s.soft", limits[i].name), result);
    given(text("limits.%s.hard", limits[i].name), result);
  }
}

static void tell_limits(void) {
  for (size_t i = 0; i < COUNT(limits); i++) {
    struct rlimit value = {0, 0};
    prlimit(0, (__rlimit_resource_t)limits[i].number, NULL, &value);
    tell(text("limits.%s.soft", limits[i].name), "%llu", (unsigned long long)value.rlim_cur);
    tell(text("limits.%s.hard", limits[i].name), "%llu", (unsigned long long)value.rlim_max);
  }
}

static const struct {
  const char *name, *path, *value;
} files[] = {
    {"process.oom_score_adj", "/proc/self/oom_score_adj", "321"},
    {"process.coredump_filter", "/proc/self/coredump_filter", "0x7b"},
    {"process.comm", "/proc/self/comm", "census-comm"},
    {"process.loginuid", "/proc/self/loginuid", "1234"},
    {"process.timerslack_ns", "/proc/self/timerslack_ns", "345678"},
};

static void give_process(void) {
  for (size_t i = 0; i < COUNT(files); i++) {
    int fd = open(files[i].path, O_WRONLY | O_CLOEXEC);
    given(files[i].name, fd < 0 ? -1 : write(fd, files[i].value, strlen(files[i].value)));
    if (fd >= 0) close(fd);
  }
}

static void tell_target(const char *name, const char *path) {
  char target[256] = "";
  ssize_t got = readlink(path, target, sizeof target - 1);
  if (got < 0) tell_number(name, -1);
  else tell_bytes(name, target, (size_t)got);
}

static void tell_process(void) {
  for (size_t i = 0; i < COUNT(files); i++) tell(files[i].name, "%s", file_text(files[i].path));
  tell("process.cmdline", "%s", file_text("/proc/self/cmdline"));
  tell("process.environ", "%s", file_text("/proc/self/environ"));
  tell_target("process.exe", "/proc/self/exe");
  uint64_t entry[2];
  uint64_t sum = 0;
  int fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC), count = 0;
  for (; read(fd, entry, sizeof entry) == sizeof entry; count++) sum = sum * 31 + entry[0] * 7 + entry[1];
  close(fd);
  tell("process.auxv", "%d entries, sum %lx", count, (unsigned long)sum);
  char hostname[128] = "";
  gethostname(hostname, sizeof hostname - 1);
  tell("process.hostname", "%s", hostname);
  tell("process.dumpable_files", "%s", access("/proc/self/mem", R_OK) ? error_name(errno) : "readable");
  tell("process.start_code", "%s %s", stat_field(getpid(), 26), stat_field(getpid(), 27));
  tell("process.stack_start", "%s", stat_field(getpid(), 28));
  tell("process.arguments", "%s %s", stat_field(getpid(), 48), stat_field(getpid(), 49));
  tell("process.exit_signal", "%s", stat_field(getpid(), 38));
}

const struct area limit_areas[] = {
    {"limits", give_limits, tell_limits, true, false, "getrlimit(2), soft and hard"},
    {"process", give_process, tell_process, true, false, "files of /proc/PID"},
    {0},
};
