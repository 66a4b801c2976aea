/* mmap(2), madvise(2), mlock(2), mprotect(2), memfd_create(2). */
#include "census.h"
#include <linux/prctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20
#endif

enum { page = 4096, region = 16 * page };

/* Mappings beside each other with the same properties become one; a page of their own between them keeps them apart. */
static char *map(const char *name, int protection, int flags) {
  char *memory = mmap(NULL, region + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  memory = mmap(memory + page, region, protection, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  given(name, memory == MAP_FAILED ? -1 : 0);
  return memory == MAP_FAILED ? NULL : memory;
}

static const struct {
  const char *name;
  int advice;
} advices[] = {
    {"madvise.MADV_HUGEPAGE", MADV_HUGEPAGE},     {"madvise.MADV_NOHUGEPAGE", MADV_NOHUGEPAGE}, {"madvise.MADV_DONTFORK", MADV_DONTFORK},
    {"madvise.MADV_WIPEONFORK", MADV_WIPEONFORK}, {"madvise.MADV_DONTDUMP", MADV_DONTDUMP},     {"madvise.MADV_MERGEABLE", MADV_MERGEABLE},
    {"madvise.MADV_SEQUENTIAL", MADV_SEQUENTIAL}, {"madvise.MADV_RANDOM", MADV_RANDOM},
};
static char *advised[COUNT(advices)];

static void give_madvise(void) {
  for (size_t i = 0; i < COUNT(advices); i++) {
    advised[i] = map(advices[i].name, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    if (!advised[i]) continue;
    given(advices[i].name, madvise(advised[i], region, advices[i].advice));
    advised[i][0] = 'a';
  }
}

static void tell_madvise(void) {
  for (size_t i = 0; i < COUNT(advices); i++) tell(advices[i].name, "%s", mapping_at(advised[i]));
}

static const struct {
  const char *name;
  int protection, flags;
} mappings[] = {
    {"mmap.none", PROT_NONE, MAP_PRIVATE},
    {"mmap.read", PROT_READ, MAP_PRIVATE},
    {"mmap.write", PROT_WRITE, MAP_PRIVATE},
    {"mmap.execute", PROT_EXEC, MAP_PRIVATE},
    {"mmap.read_execute", PROT_READ | PROT_EXEC, MAP_PRIVATE},
    {"mmap.all", PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE},
    {"mmap.shared", PROT_READ | PROT_WRITE, MAP_SHARED},
    {"mmap.shared_read", PROT_READ, MAP_SHARED},
    {"mmap.MAP_NORESERVE", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE},
    {"mmap.MAP_STACK", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_STACK},
    {"mmap.MAP_LOCKED", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_LOCKED},
};
static char *mapped[COUNT(mappings)], *named, *file_private, *file_shared, *split;

static void give_mmap(void) {
  for (size_t i = 0; i < COUNT(mappings); i++) mapped[i] = map(mappings[i].name, mappings[i].protection, mappings[i].flags);
  named = map("mmap.name", PROT_READ | PROT_WRITE, MAP_PRIVATE);
  if (named) given("mmap.name", prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, region, "census-region"));
  int fd = open(path_in_folder("mapped"), O_RDWR | O_CREAT | O_TRUNC, 0600);
  given("mmap.file", ftruncate(fd, region));
  file_shared = mmap(NULL, region, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  file_private = mmap(NULL, region / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, page);
  if (file_shared == MAP_FAILED || file_private == MAP_FAILED) return;
  memcpy(file_shared, "in the file", 12);
  memcpy(file_private, "copied", 7);
  close(fd);
  split = map("mmap.mprotect", PROT_READ | PROT_WRITE, MAP_PRIVATE);
  if (split) given("mmap.mprotect", mprotect(split + 4 * page, 4 * page, PROT_READ));
}

static void tell_mmap(void) {
  for (size_t i = 0; i < COUNT(mappings); i++) tell(mappings[i].name, "%s", mapping_at(mapped[i]));
  tell("mmap.name", "%s", mapping_at(named));
  tell("mmap.file", "%s", mapping_at(file_shared));
  tell("mmap.file_private", "%s", mapping_at(file_private));
  if (file_shared != MAP_FAILED) tell_bytes("mmap.file.content", file_shared, 11);
  if (file_private != MAP_FAILED) tell_bytes("mmap.file_private.content", file_private, 6);
  tell("mmap.mprotect", "%.4s %.4s %.4s", mapping_at(split), mapping_at(split + 5 * page), mapping_at(split + 9 * page));
}

static char *locked, *on_fault, *later;

static void give_mlock(void) {
  locked = map("mlock.mlock", PROT_READ | PROT_WRITE, MAP_PRIVATE);
  given("mlock.mlock", mlock(locked, region));
  on_fault = map("mlock.MLOCK_ONFAULT", PROT_READ | PROT_WRITE, MAP_PRIVATE);
  given("mlock.MLOCK_ONFAULT", syscall(SYS_mlock2, on_fault, region, MLOCK_ONFAULT));
}

static void tell_mlock(void) {
  tell("mlock.mlock", "%s", mapping_at(locked));
  tell("mlock.MLOCK_ONFAULT", "%s", mapping_at(on_fault));
}

static void give_future(void) {
  if (given("mlockall.MCL_FUTURE", mlockall(MCL_FUTURE | MCL_ONFAULT))) later = map("mlockall.later", PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static void tell_future(void) {
  char *now = mmap(NULL, region, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  tell("mlockall.MCL_FUTURE", "%s", mapping_at(now));
  tell("mlockall.later", "%s", mapping_at(later));
  if (now != MAP_FAILED) munmap(now, region);
}

static int sealed, no_exec, big, mapped_memfd, all_sealed;
static char *memfd_memory;

static void give_memfd(void) {
  sealed = hold("memfd.sealed", memfd_create("census-sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
  if (write(sealed, "sealed", 6) == 6) given("memfd.sealed.seals", fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
  all_sealed = hold("memfd.seal_sealed", memfd_create("census-seal", MFD_ALLOW_SEALING));
  given("memfd.seal_sealed.seals", fcntl(all_sealed, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_FUTURE_WRITE));
  no_exec = hold("memfd.noexec", memfd_create("census-noexec", MFD_NOEXEC_SEAL));
  big = hold("memfd.sparse", memfd_create("census-sparse", 0));
  given("memfd.sparse.size", ftruncate(big, 1 << 24));
  given("memfd.sparse.mode", fchmod(big, 0640));
  if (pwrite(big, "data", 4, 1 << 20) < 0) return;
  lseek(big, 4321, SEEK_SET);
  mapped_memfd = memfd_create("census-mapped", 0);
  if (ftruncate(mapped_memfd, region)) return;
  memfd_memory = mmap(NULL, region, PROT_READ | PROT_WRITE, MAP_SHARED, mapped_memfd, 0);
  if (memfd_memory != MAP_FAILED) memcpy(memfd_memory, "mapped", 7);
}

static void tell_link(const char *name, int fd) {
  char target[128] = "";
  ssize_t got = readlink(text("/proc/self/fd/%d", fd), target, sizeof target - 1);
  if (got < 0) tell_number(name, -1);
  else tell_bytes(name, target, (size_t)got);
}

static void tell_memfd(void) {
  char contents[8] = "";
  tell_number("memfd.sealed.seals", fcntl(sealed, F_GET_SEALS));
  tell_number("memfd.seal_sealed.seals", fcntl(all_sealed, F_GET_SEALS));
  tell_number("memfd.noexec.seals", fcntl(no_exec, F_GET_SEALS));
  tell_link("memfd.sealed.name", sealed);
  tell_link("memfd.sparse.name", big);
  tell_number("memfd.sealed.content", pread(sealed, contents, 6, 0) == 6 && memcmp(contents, "sealed", 6) == 0);
  tell_number("memfd.sparse.position", lseek(big, 0, SEEK_CUR));
  tell_number("memfd.sparse.size", lseek(big, 0, SEEK_END));
  struct stat about = {0};
  fstat(big, &about);
  tell("memfd.sparse.mode", "%o", about.st_mode);
  tell_number("memfd.sparse.data", lseek(big, 0, SEEK_DATA));
  lseek(big, 4321, SEEK_SET);
  if (memfd_memory && memfd_memory != MAP_FAILED) tell_bytes("memfd.mapped.content", memfd_memory, 6);
  tell("memfd.mapped", "%s", mapping_at(memfd_memory));
}

const struct area memory_areas[] = {
    {"madvise", give_madvise, tell_madvise, true, false, "advice that stays"},
    {"mmap", give_mmap, tell_mmap, true, false, "kinds, protection, names of mappings"},
    {"mlock", give_mlock, tell_mlock, true, false, "locked memory"},
    {"mlockall", give_future, tell_future, true, false, "MCL_FUTURE and MCL_ONFAULT"},
    {"memfd", give_memfd, tell_memfd, true, false, "memfd_create(2), seals, names"},
    {0},
};
