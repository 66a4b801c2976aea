/* Kinds of memory of which one cannot be sure that CRIU dumps them. */
#include "census.h"
#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 8
#endif

enum { page = 4096, region = 16 * page };

static char *guarded, *growing, *droppable, *sealed, *keyed, *huge;
static int key;

static bool mapped(const char *name, char *memory) { return given(name, memory == MAP_FAILED ? -1 : 0); }

static char *anonymous(int flags) { return mmap(NULL, region, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0); }

static bool readable(char *at) {
  int ends[2];
  if (pipe(ends)) return false;
  bool copied = write(ends[1], at, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return copied;
}

static void give_guard(void) {
  guarded = anonymous(MAP_PRIVATE);
  if (!mapped("guard.MADV_GUARD_INSTALL", guarded)) return;
  memset(guarded, 'g', region);
  given("guard.MADV_GUARD_INSTALL", madvise(guarded + 4 * page, 2 * page, MADV_GUARD_INSTALL));
}

static void tell_guard(void) {
  tell("guard.MADV_GUARD_INSTALL", "%s %s %s", readable(guarded) ? "open" : "guarded", readable(guarded + 4 * page) ? "open" : "guarded",
       readable(guarded + 6 * page) ? "open" : "guarded");
}

static void give_grow(void) {
  growing = anonymous(MAP_PRIVATE | MAP_GROWSDOWN);
  if (mapped("growsdown.MAP_GROWSDOWN", growing)) growing[0] = 'g';
}

static void tell_grow(void) { tell("growsdown.MAP_GROWSDOWN", "%s", mapping_at(growing)); }

static void give_drop(void) {
  droppable = anonymous(MAP_DROPPABLE);
  if (mapped("droppable.MAP_DROPPABLE", droppable)) droppable[0] = 'd';
}

static void tell_drop(void) { tell("droppable.MAP_DROPPABLE", "%s", mapping_at(droppable)); }

static void give_seal(void) {
  sealed = anonymous(MAP_PRIVATE);
  if (mapped("mseal.mseal", sealed)) given("mseal.mseal", syscall(462, sealed, region, 0));
}

static void tell_seal(void) {
  tell("mseal.mseal", "%s", mapping_at(sealed));
  tell("mseal.mprotect", "%s", mprotect(sealed, region, PROT_READ | PROT_WRITE) ? error_name(errno) : "allowed");
}

static void give_key(void) {
  keyed = anonymous(MAP_PRIVATE);
  key = pkey_alloc(0, PKEY_DISABLE_WRITE);
  if (given("pkey.key", key)) given("pkey.key", pkey_mprotect(keyed, region, PROT_READ | PROT_WRITE, key));
}

static void tell_key(void) {
  tell("pkey.mapping", "%s", mapping_at(keyed));
  tell_number("pkey.rights", pkey_get(key));
  /* The kernel fails for a key that this process has not allocated. */
  tell("pkey.key", "%s", pkey_mprotect(keyed, region, PROT_READ | PROT_WRITE, key) ? error_name(errno) : "allocated");
}

static void give_huge(void) {
  huge = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
  if (mapped("hugetlb.mapping", huge)) huge[0] = 'h';
}

static void tell_huge(void) { tell("hugetlb.mapping", "%s", mapping_at(huge)); }

const struct area guard_areas[] = {
    {"guard", give_guard, tell_guard, true, false, "MADV_GUARD_INSTALL"},
    {"growsdown", give_grow, tell_grow, true, false, "MAP_GROWSDOWN"},
    {"droppable", give_drop, tell_drop, true, false, "MAP_DROPPABLE"},
    {"mseal", give_seal, tell_seal, true, false, "mseal(2)"},
    {"pkey", give_key, tell_key, true, true, "protection keys; not tried"},
    {"hugetlb", give_huge, tell_huge, true, true, "huge pages; not tried"},
    {0},
};
