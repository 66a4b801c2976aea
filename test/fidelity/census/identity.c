/* credentials(7), capabilities(7), keyrings(7), personality(2), seccomp(2), Landlock. */
#include "census.h"
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/fsuid.h>
#include <sys/personality.h>
#include <sys/prctl.h>

static const char *status(const char *key) { return line_after("/proc/self/status", key); }

static void give_credentials(void) {
  gid_t groups[] = {2345, 2346, 70000};
  given("credentials.groups", setgroups(COUNT(groups), groups));
  given("credentials.gids", setresgid(2345, 2346, 2347));
  given("credentials.uids", setresuid(1001, 1002, 1003));
  setfsgid(2346);
  setfsuid(1001);
}

static void tell_credentials(void) {
  tell("credentials.uids", "%s", status("Uid:"));
  tell("credentials.gids", "%s", status("Gid:"));
  tell("credentials.groups", "%s", status("Groups:"));
  tell("credentials.capabilities", "%s", status("CapEff:"));
}

static struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};

static void give_capabilities(void) {
  struct __user_cap_data_struct sets[2];
  prctl(PR_CAPBSET_DROP, CAP_MKNOD, 0, 0, 0);
  given("capabilities.bounding", prctl(PR_CAPBSET_DROP, CAP_AUDIT_WRITE, 0, 0, 0));
  if (!given("capabilities.effective", syscall(SYS_capget, &header, sets))) return;
  sets[0].effective &= ~(1u << CAP_KILL | 1u << CAP_CHOWN);
  sets[0].permitted &= ~(1u << CAP_SETFCAP);
  sets[0].effective &= sets[0].permitted;
  sets[0].inheritable = 1u << CAP_NET_BIND_SERVICE | 1u << CAP_FOWNER;
  given("capabilities.effective", syscall(SYS_capset, &header, sets));
  given("capabilities.ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0));
}

static void tell_capabilities(void) {
  tell("capabilities.inheritable", "%s", status("CapInh:"));
  tell("capabilities.permitted", "%s", status("CapPrm:"));
  tell("capabilities.effective", "%s", status("CapEff:"));
  tell("capabilities.bounding", "%s", status("CapBnd:"));
  tell("capabilities.ambient", "%s", status("CapAmb:"));
}

static void give_personality(void) {
  /* Docker's seccomp profile allows this one and few others. */
  if (personality(ADDR_NO_RANDOMIZE | UNAME26 | MMAP_PAGE_ZERO | STICKY_TIMEOUTS) < 0) given("personality.flags", personality(UNAME26));
}

static void tell_personality(void) { tell("personality.flags", "%s", file_text("/proc/self/personality")); }

enum { join_session = 1, describe = 6, read_key = 11, set_permissions = 5, session = -3, process_ring = -2 };

static long key, ring;

static void give_keyring(void) {
  if (!given("keyring.session", ring = syscall(SYS_keyctl, join_session, "census-session", 0, 0, 0))) return;
  key = syscall(SYS_add_key, "user", "census-key", "the secret", 10, session);
  if (given("keyring.key", key)) given("keyring.permissions", syscall(SYS_keyctl, set_permissions, key, 0x3f3f0000, 0, 0));
  given("keyring.process", syscall(SYS_add_key, "user", "census-process-key", "of the process", 14, process_ring));
}

static void tell_described(const char *name, long of) {
  char room[128] = "";
  if (syscall(SYS_keyctl, describe, of, room, sizeof room - 1, 0) < 0) tell_number(name, -1);
  else tell(name, "%s", room);
}

/* Looks the keys up again: their numbers are no property. */
static void tell_keyring(void) {
  char room[64] = "";
  tell_described("keyring.session", session);
  long found = syscall(SYS_keyctl, 10, session, "user", "census-key", 0);
  if (found < 0) tell_number("keyring.key", -1);
  else tell("keyring.key", "%s", syscall(SYS_keyctl, read_key, found, room, sizeof room - 1, 0) < 0 ? error_name(errno) : room);
  tell_described("keyring.permissions", found < 0 ? key : found);
  found = syscall(SYS_keyctl, 10, process_ring, "user", "census-process-key", 0);
  tell_number("keyring.process", found < 0 ? -1 : 1);
}

static struct sock_filter no_bpf[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_swapon},
                                      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EXDEV},
                                      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};

static void give_seccomp(void) {
  struct sock_fprog program = {COUNT(no_bpf), no_bpf};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  given("seccomp.mode", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
  given("seccomp.filters", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void tell_seccomp(void) {
  tell("seccomp.mode", "%s", status("Seccomp:"));
  tell("seccomp.filters", "%s", status("Seccomp_filters:"));
  tell("seccomp.acts", "%s", syscall(SYS_swapon, "/nowhere", 0) ? error_name(errno) : "no");
}

/* SECCOMP_FILTER_FLAG_LOG and _SPEC_ALLOW. */
static void give_flags(void) {
  struct sock_fprog program = {COUNT(no_bpf), no_bpf};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  given("seccomp-flags.speculation", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 2 | 4, &program));
}

static void tell_flags(void) {
  tell("seccomp-flags.filters", "%s", status("Seccomp_filters:"));
  tell("seccomp-flags.speculation", "%s", status("Speculation_Store_Bypass:"));
}

/* No name of /proc tells of Landlock, only what it refuses. */
static void give_landlock(void) {
  uint64_t handled = 1 << 7; /* LANDLOCK_ACCESS_FS_MAKE_DIR */
  int rules = (int)syscall(444, &handled, sizeof handled, 0);
  if (!given("landlock.mkdir", rules)) return;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  given("landlock.mkdir", syscall(446, rules, 0));
  close(rules);
}

static void tell_landlock(void) {
  char *path = path_in_folder("made-folder");
  tell("landlock.mkdir", "%s", syscall(SYS_mkdirat, AT_FDCWD, path, 0700) ? error_name(errno) : "allowed");
  rmdir(path);
}

const struct area identity_areas[] = {
    {"credentials", give_credentials, tell_credentials, true, false, "uids, gids, groups"},
    {"capabilities", give_capabilities, tell_capabilities, true, false, "each set of capabilities(7)"},
    {"personality", give_personality, tell_personality, true, false, "personality(2)"},
    {"keyring", give_keyring, tell_keyring, true, false, "keyrings(7)"},
    {"seccomp", give_seccomp, tell_seccomp, true, false, "filters of seccomp(2)"},
    {"seccomp-flags", give_flags, tell_flags, true, false, "flags of a filter"},
    {"landlock", give_landlock, tell_landlock, true, false, "a domain of Landlock"},
    {0},
};
