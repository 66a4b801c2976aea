/* prctl(2) and arch_prctl(2). */
#include "census.h"
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sys/prctl.h>

#ifndef PR_SET_MEMORY_MERGE
#define PR_SET_MEMORY_MERGE 67
#define PR_GET_MEMORY_MERGE 68
#endif
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#ifndef PR_GET_THP_DISABLE
#define PR_GET_THP_DISABLE 42
#endif

static const struct {
  const char *name;
  int set;
  unsigned long value;
  int get;
} simple[] = {
    {"prctl.PR_SET_KEEPCAPS", PR_SET_KEEPCAPS, 1, PR_GET_KEEPCAPS},
    {"prctl.PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1, PR_GET_NO_NEW_PRIVS},
    {"prctl.PR_SET_TIMERSLACK", PR_SET_TIMERSLACK, 1234567, PR_GET_TIMERSLACK},
    {"prctl.PR_SET_THP_DISABLE", PR_SET_THP_DISABLE, 1, PR_GET_THP_DISABLE},
    {"prctl.PR_SET_IO_FLUSHER", PR_SET_IO_FLUSHER, 1, PR_GET_IO_FLUSHER},
    {"prctl.PR_SET_MEMORY_MERGE", PR_SET_MEMORY_MERGE, 1, PR_GET_MEMORY_MERGE},
};
/* The calls that answer through a pointer. */
static const struct {
  const char *name;
  int set;
  unsigned long value;
  int get;
} by_pointer[] = {
    {"prctl.PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGUSR2, PR_GET_PDEATHSIG},
    {"prctl.PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1, PR_GET_CHILD_SUBREAPER},
};

static const struct {
  const char *name;
  unsigned long which, value;
} speculation[] = {{"prctl.PR_SPEC_STORE_BYPASS", PR_SPEC_STORE_BYPASS, PR_SPEC_DISABLE},
                   {"prctl.PR_SPEC_INDIRECT_BRANCH", PR_SPEC_INDIRECT_BRANCH, PR_SPEC_DISABLE},
                   {"prctl.PR_SPEC_L1D_FLUSH", PR_SPEC_L1D_FLUSH, PR_SPEC_ENABLE}};

static void give_prctl(void) {
  signal(SIGUSR2, SIG_IGN);
  given("prctl.PR_SET_NAME", prctl(PR_SET_NAME, "census-name"));
  given("prctl.PR_MCE_KILL", prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
  for (size_t i = 0; i < COUNT(simple); i++) given(simple[i].name, prctl(simple[i].set, simple[i].value, 0, 0, 0));
  for (size_t i = 0; i < COUNT(by_pointer); i++) given(by_pointer[i].name, prctl(by_pointer[i].set, by_pointer[i].value, 0, 0, 0));
  for (size_t i = 0; i < COUNT(speculation); i++)
    given(speculation[i].name, prctl(PR_SET_SPECULATION_CTRL, speculation[i].which, speculation[i].value, 0, 0));
}

static void tell_prctl(void) {
  char name[17] = "";
  prctl(PR_GET_NAME, name);
  tell("prctl.PR_SET_NAME", "%s", name);
  tell_number("prctl.PR_MCE_KILL", prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
  for (size_t i = 0; i < COUNT(simple); i++) tell_number(simple[i].name, prctl(simple[i].get, 0, 0, 0, 0));
  for (size_t i = 0; i < COUNT(by_pointer); i++) {
    int value = 0;
    tell_number(by_pointer[i].name, prctl(by_pointer[i].get, &value, 0, 0, 0) ? -1 : value);
  }
  for (size_t i = 0; i < COUNT(speculation); i++)
    tell_number(speculation[i].name, prctl(PR_GET_SPECULATION_CTRL, speculation[i].which, 0, 0, 0));
}

/* A process that cannot be dumped cannot read its own /proc files either, as long as it is not root. */
static void give_dumpable(void) { given("dumpable.PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)); }
static void tell_dumpable(void) { tell_number("dumpable.PR_SET_DUMPABLE", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)); }

static void give_securebits(void) {
  given("securebits.PR_SET_SECUREBITS",
        prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS, 0, 0, 0));
}
static void tell_securebits(void) { tell_number("securebits.PR_SET_SECUREBITS", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0)); }

static void give_mdwe(void) { given("mdwe.PR_SET_MDWE", prctl(PR_SET_MDWE, 1, 0, 0, 0)); }
static void tell_mdwe(void) { tell_number("mdwe.PR_SET_MDWE", prctl(PR_GET_MDWE, 0, 0, 0, 0)); }

#ifdef __x86_64__
static void give_registers(void) {
  uint32_t mxcsr = 0x1f80 | 3 << 13 | 1 << 15;
  uint16_t control = 0x0c7f;
  __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
  given("registers.gs_base", syscall(SYS_arch_prctl, 0x1001, folder));
}

static void tell_registers(void) {
  uint32_t mxcsr;
  uint16_t control;
  unsigned long gs = 0;
  __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(control));
  syscall(SYS_arch_prctl, 0x1004, &gs);
  /* The sticky flags of past results are left out. */
  tell("registers.mxcsr", "%#x", mxcsr & ~0x3fu);
  tell("registers.fpu_control", "%#x", control);
  tell("registers.gs_base", "%s", gs == (unsigned long)folder ? "as given" : "other");
}

static void give_cpuid(void) { given("cpuid.ARCH_SET_CPUID", syscall(SYS_arch_prctl, 0x1012, 0)); }
static void tell_cpuid(void) { tell_number("cpuid.ARCH_SET_CPUID", syscall(SYS_arch_prctl, 0x1011, 0)); }

/* Nothing in this process may read the clock from now on. */
static void give_tsc(void) { given("tsc.PR_SET_TSC", prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0)); }
static void tell_tsc(void) {
  int value = 0;
  tell_number("tsc.PR_SET_TSC", prctl(PR_GET_TSC, &value, 0, 0, 0) ? -1 : value);
}
#endif

const struct area prctl_areas[] = {
    {"prctl", give_prctl, tell_prctl, true, false, "prctl(2), what can be set together"},
    {"dumpable", give_dumpable, tell_dumpable, true, false, "PR_SET_DUMPABLE"},
    {"securebits", give_securebits, tell_securebits, true, false, "PR_SET_SECUREBITS, needs CAP_SETPCAP"},
    {"mdwe", give_mdwe, tell_mdwe, true, false, "PR_SET_MDWE"},
#ifdef __x86_64__
    {"registers", give_registers, tell_registers, true, false, "control registers of the FPU, base of GS"},
    {"cpuid", give_cpuid, tell_cpuid, true, true, "ARCH_SET_CPUID; not tried"},
    {"tsc", give_tsc, tell_tsc, true, false, "PR_SET_TSC"},
#endif
    {0},
};
