/* set_mempolicy(2), mbind(2), membarrier(2), rseq(2). */
#include "census.h"
#include <linux/membarrier.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>

static char *bound, *preferred;

static char *map(void) { return mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

static void give_policy(void) {
  unsigned long first = 1;
  bound = map();
  preferred = map();
  given("mempolicy.process", syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, &first, 64));
  given("mempolicy.mbind", syscall(SYS_mbind, bound, 65536, MPOL_BIND, &first, 64, 0));
  given("mempolicy.preferred", syscall(SYS_mbind, preferred, 65536, MPOL_PREFERRED, &first, 64, 0));
  given("mempolicy.home_node", syscall(450, bound, 65536, 0, 0));
}

static void tell_mode(const char *name, void *address) {
  int mode = -1;
  unsigned long nodes[16] = {0};
  if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, address, address ? MPOL_F_ADDR : 0)) tell_number(name, -1);
  else tell(name, "mode %d, nodes %#lx", mode, nodes[0]);
}

static void tell_policy(void) {
  tell_mode("mempolicy.process", NULL);
  tell_mode("mempolicy.mbind", bound);
  tell_mode("mempolicy.preferred", preferred);
}

static const struct {
  const char *name;
  int command, registration;
} barriers[] = {
    {"membarrier.PRIVATE_EXPEDITED", MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED},
    {"membarrier.GLOBAL_EXPEDITED", MEMBARRIER_CMD_GLOBAL_EXPEDITED, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED},
    {"membarrier.PRIVATE_EXPEDITED_SYNC_CORE", MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE},
    {"membarrier.PRIVATE_EXPEDITED_RSEQ", MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ},
};

static void give_barrier(void) {
  for (size_t i = 0; i < COUNT(barriers); i++) given(barriers[i].name, syscall(SYS_membarrier, barriers[i].registration, 0, 0));
}

static void tell_barrier(void) {
  for (size_t i = 0; i < COUNT(barriers); i++)
    tell(barriers[i].name, "%s", syscall(SYS_membarrier, barriers[i].command, 0, 0) ? error_name(errno) : "registered");
  /* MEMBARRIER_CMD_GET_REGISTRATIONS */
  tell_number("membarrier.registrations", syscall(SYS_membarrier, 1 << 9, 0, 0));
}

/* Of glibc 2.35 and later. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned __rseq_size __attribute__((weak));

static char *registered(void) { return (char *)__builtin_thread_pointer() + __rseq_offset; }

static void give_rseq(void) {
  if (!&__rseq_size || !__rseq_size) not_given("rseq.registered", "not by the C library");
}

/* A second registration fails with EBUSY when it is the same, and with EINVAL when it is another or none. */
static void tell_rseq(void) {
  tell("rseq.registered", "%s", syscall(SYS_rseq, registered(), 32, 0, 0x53053053) ? error_name(errno) : "was not");
  uint32_t cpu = *(volatile uint32_t *)(registered() + 4);
  tell("rseq.cpu", "%s", cpu < 4096 ? "set" : "not set");
}

const struct area policy_areas[] = {
    {"mempolicy", give_policy, tell_policy, true, false, "memory policies"},
    {"membarrier", give_barrier, tell_barrier, true, false, "registrations of membarrier(2)"},
    {"rseq", give_rseq, tell_rseq, true, false, "registration of rseq(2)"},
    {0},
};
