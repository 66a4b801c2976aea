/* shm_overview(7), sem_overview(7), shared memory without a name, robust and shared mutexes. */
#include "census.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int object;
static char *object_memory, *nameless, *unlinked_memory;
static sem_t *named_sem, *shared_sem;
static pthread_mutex_t *mutex;

static void give_shm(void) {
  object = shm_open("/census-object", O_RDWR | O_CREAT, 0640);
  if (given("posix-shm.size", object)) given("posix-shm.size", ftruncate(object, 8192));
  hold("posix-shm.object", object);
  given("posix-shm.owner", fchown(object, 1234, 2345));
  object_memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0);
  if (object_memory != MAP_FAILED) strcpy(object_memory, "in the object");
  int gone = shm_open("/census-unlinked", O_RDWR | O_CREAT, 0600);
  if (given("posix-shm.unlinked", ftruncate(gone, 4096))) unlinked_memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, gone, 0);
  shm_unlink("/census-unlinked");
  close(gone);
  if (unlinked_memory && unlinked_memory != MAP_FAILED) strcpy(unlinked_memory, "unlinked");
  nameless = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (nameless != MAP_FAILED) strcpy(nameless, "no name");
}

static void tell_shm(void) {
  struct stat about = {0};
  fstat(object, &about);
  tell_number("posix-shm.size", about.st_size);
  tell("posix-shm.owner", "%u:%u, mode %o", about.st_uid, about.st_gid, about.st_mode & 0777);
  tell("posix-shm.name", "%s", access("/dev/shm/census-object", F_OK) ? error_name(errno) : "there");
  if (object_memory != MAP_FAILED) tell_bytes("posix-shm.content", object_memory, 13);
  if (unlinked_memory && unlinked_memory != MAP_FAILED) tell_bytes("posix-shm.unlinked.content", unlinked_memory, 8);
  if (nameless != MAP_FAILED) tell_bytes("posix-shm.nameless.content", nameless, 7);
}

static void give_sem(void) {
  sem_unlink("/census-sem");
  named_sem = sem_open("/census-sem", O_CREAT, 0600, 5);
  if (named_sem == SEM_FAILED) not_given("posix-sem.named", error_name(errno));
  char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  shared_sem = (sem_t *)memory;
  sem_init(shared_sem, 1, 3);
  mutex = (pthread_mutex_t *)(memory + 1024);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(mutex, &attributes);
  pthread_mutex_lock(mutex);
}

static void tell_sem(void) {
  int value = -1;
  if (named_sem != SEM_FAILED) tell_number("posix-sem.named", sem_getvalue(named_sem, &value) ? -1 : value);
  if (shared_sem) tell_number("posix-sem.shared", sem_getvalue(shared_sem, &value) ? -1 : value);
  if (mutex) tell("posix-sem.mutex", "%s", error_name(pthread_mutex_trylock(mutex)));
}

static pid_t holder;

static void lock_robust(void) { pthread_mutex_lock(mutex); }

/* The kernel tells of the death of a holder by the list that glibc has registered: for the drain. */
static void give_robust(void) {
  give_sem();
  if (mutex) pthread_mutex_unlock(mutex);
  holder = start_child(lock_robust);
}

static void tell_robust(void) {
  if (!mutex) return;
  tell("robust-list.held", "%s", error_name(pthread_mutex_trylock(mutex)));
  if (!draining) return;
  kill(holder, SIGKILL);
  usleep(100 * 1000);
  tell("robust-list.content", "%s", error_name(pthread_mutex_trylock(mutex)));
}

const struct area posix_areas[] = {
    {"posix-shm", give_shm, tell_shm, false, false, "shm_open(3), shared memory without a name"},
    {"posix-sem", give_sem, tell_sem, true, false, "semaphores and mutexes in shared memory"},
    {"robust-list", give_robust, tell_robust, true, false, "a robust mutex whose holder dies"},
    {0},
};
