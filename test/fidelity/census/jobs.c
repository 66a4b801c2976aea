/* Families of processes: sessions, groups, stopped ones, zombies, orphans, what a death does. */
#include "census.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static pid_t grouped, in_session, in_group, orphan, exited, killed, parent_of_signal;
/* Two groups: one whose leader is gone, and one of two members. */
static pid_t leaderless;
static pid_t *shared;

static void lead_group(void) { setpgid(0, 0); }
static void lead_session(void) { setsid(); }
static void join_group_of(void) { setpgid(0, grouped); }

static pid_t fork_into(int slot_number, void (*body)(void)) {
  pid_t pid = start_child(body);
  shared[slot_number] = pid;
  return pid;
}

static void end_with_orphan(void) {
  fork_into(0, NULL);
  _exit(0);
}

static void end_after_leading(void) {
  setpgid(0, 0);
  fork_into(1, NULL);
  _exit(0);
}

static void exit_7(void) { _exit(7); }
static void die(void) { kill(getpid(), SIGKILL); }

static pid_t fork_and_end(void (*body)(void), bool reap) {
  pid_t pid = fork();
  if (pid == 0) {
    body();
    _exit(1);
  }
  siginfo_t info;
  waitid(P_PID, (id_t)pid, &info, WEXITED | (reap ? 0 : WNOWAIT));
  return pid;
}

static void give_jobs(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  grouped = start_child(lead_group);
  in_group = start_child(join_group_of);
  in_session = start_child(lead_session);
  fork_and_end(end_with_orphan, true);
  orphan = shared[0];
  fork_and_end(end_after_leading, true);
  leaderless = shared[1];
  exited = fork_and_end(exit_7, false);
  killed = fork_and_end(die, false);
}

static const char *kin(pid_t pid) {
  if (pid == getpid()) return "census";
  if (pid == grouped) return "grouped";
  if (pid == in_session) return "in_session";
  return pid == 1 ? "init" : pid == 0 ? "outside" : "other";
}

static void tell_kin(const char *name, pid_t pid) {
  char parent[16];
  snprintf(parent, sizeof parent, "%s", stat_field(pid, 4));
  tell(name, "state %s, parent %s, group %s, session %s", stat_field(pid, 3), kin(atoi(parent)),
       getpgid(pid) == pid ? "own" : kin(getpgid(pid)),
       getsid(pid) == pid         ? "own"
       : getsid(pid) == getsid(0) ? "that of census"
                                  : "other");
}

static void tell_end(const char *name, pid_t pid) {
  siginfo_t info = {0};
  if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT)) tell_number(name, -1);
  else tell(name, "code %d, status %d, state %s, uid %u", info.si_code, info.si_status, stat_field(pid, 3), info.si_uid);
}

static void tell_jobs(void) {
  tell_kin("jobs.group_leader", grouped);
  tell_kin("jobs.group_member", in_group);
  tell_kin("jobs.session_leader", in_session);
  tell_kin("jobs.orphan", orphan);
  tell_kin("jobs.leaderless_group", leaderless);
  tell("jobs.leaderless_group.number", "%d", getpgid(leaderless));
  tell_end("jobs.zombie.exited", exited);
  tell_end("jobs.zombie.killed", killed);
}

static pid_t stopped, trace_stopped;

static void give_stopped(void) {
  stopped = start_child(NULL);
  kill(stopped, SIGSTOP);
  siginfo_t info;
  given("stopped.state", waitid(P_PID, (id_t)stopped, &info, WSTOPPED | WNOWAIT));
}

static void tell_stopped(void) {
  siginfo_t info = {0};
  tell("stopped.state", "%s", stat_field(stopped, 3));
  waitid(P_PID, (id_t)stopped, &info, WSTOPPED | WNOHANG | WNOWAIT);
  tell("stopped.waits", "code %d, status %d", info.si_code, info.si_status);
  if (!draining) return;
  kill(stopped, SIGCONT);
  usleep(100 * 1000);
  tell("stopped.content", "after SIGCONT %s", stat_field(stopped, 3));
}

static void ask_for_signal(void) { prctl(PR_SET_PDEATHSIG, SIGUSR1); }

static void has_child(void) {
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  fork_into(0, ask_for_signal);
}

/* The only proof that a death sends its signal is a death: for the drain. */
static void give_death(void) {
  shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  parent_of_signal = start_child(has_child);
}

static void tell_death(void) {
  tell("parent-death.child", "%s", stat_field(shared[0], 3));
  if (!draining) return;
  kill(parent_of_signal, SIGKILL);
  usleep(200 * 1000);
  tell("parent-death.content", "%s", kill(shared[0], 0) || *stat_field(shared[0], 3) == 'Z' ? "died with its parent" : "lives on");
}

static void trace_me(void) {}

static void give_traced(void) {
  trace_stopped = start_child(trace_me);
  given("traced.state", syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, trace_stopped, 0, 0));
}

static void tell_traced(void) {
  tell("traced.tracer", "%s", strcmp(line_after(text("/proc/%d/status", trace_stopped), "TracerPid:"), "0") ? "some" : "none");
}

static pid_t separate;

/* CLONE_FILES is 0x400, CLONE_FS 0x200. */
static void give_clone(const char *name, long flags) {
  separate = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
  if (separate == 0)
    while (pause()) continue;
  given(name, separate);
}

static void give_files(void) { give_clone("shared-files.table", 0x400); }
static void give_folder(void) { give_clone("refused-shared-folder.folder", 0x200); }

/* Of kcmp(2), KCMP_FILES is 2, KCMP_FS is 3. */
static void tell_files(void) { tell_number("shared-files.table", syscall(SYS_kcmp, getpid(), separate, 2, 0, 0)); }
static void tell_folder(void) { tell_number("refused-shared-folder.folder", syscall(SYS_kcmp, getpid(), separate, 3, 0, 0)); }

const struct area job_areas[] = {
    {"jobs", give_jobs, tell_jobs, true, false, "groups, sessions, orphans, zombies"},
    {"stopped", give_stopped, tell_stopped, true, false, "a stopped process"},
    {"parent-death", give_death, tell_death, true, false, "PR_SET_PDEATHSIG of a child"},
    {"traced", give_traced, tell_traced, true, true, "a process under ptrace; refused in the dump"},
    {"shared-files", give_files, tell_files, true, false, "CLONE_FILES"},
    {"refused-shared-folder", give_folder, tell_folder, true, true, "CLONE_FS; refused in the dump"},
    {0},
};
