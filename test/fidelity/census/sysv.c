/* sysvipc(7). */
#include "census.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { first_key = 0x6e5a0001 };

static int segment, removed, readonly, sems, queue, sized_queue;
static char *attached, *removed_at, *readonly_at;

static void give_shm(void) {
  segment = shmget(first_key, 12345, IPC_CREAT | 0640);
  if (given("shm.segment", segment)) attached = shmat(segment, NULL, 0);
  struct shmid_ds about;
  shmctl(segment, IPC_STAT, &about);
  about.shm_perm.uid = 1234;
  about.shm_perm.gid = 2345;
  about.shm_perm.mode = 0624;
  given("shm.owner", shmctl(segment, IPC_SET, &about));
  removed = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
  removed_at = shmat(removed, NULL, 0);
  readonly = shmget(first_key + 1, 4096, IPC_CREAT | 0600);
  readonly_at = shmat(readonly, NULL, SHM_RDONLY);
  /* MAP_FAILED and this error are the same. */
  if (attached != (char *)-1 && attached) strcpy(attached, "in the segment");
  if (removed_at != (char *)-1) strcpy(removed_at, "still attached");
  given("shm.removed.marked", shmctl(removed, IPC_RMID, NULL));
  given("shm.locked", shmctl(segment, SHM_LOCK, NULL));
}

static void tell_shm(void) {
  struct shmid_ds about = {0};
  tell_number("shm.segment", shmget(first_key, 0, 0) == segment ? segment : -1);
  if (shmctl(segment, IPC_STAT, &about)) tell_number("shm.owner", -1);
  else
    tell("shm.owner", "%u:%u, mode %o, creator %u:%u", about.shm_perm.uid, about.shm_perm.gid, about.shm_perm.mode & 0777,
         about.shm_perm.cuid, about.shm_perm.cgid);
  tell("shm.size", "%zu", about.shm_segsz);
  tell("shm.attached", "%lu", (unsigned long)about.shm_nattch);
  tell("shm.locked", "%s", about.shm_perm.mode & 02000 ? "yes" : "no");
  tell("shm.creator_pid", "%s", about.shm_cpid == getpid() ? "self" : about.shm_cpid ? "other" : "none");
  if (attached && attached != (char *)-1) tell_bytes("shm.content", attached, 14);
  if (removed_at != (char *)-1) tell_bytes("shm.removed.content", removed_at, 14);
  tell("shm.removed.marked", "%s", shmctl(removed, IPC_STAT, &about) ? error_name(errno) : about.shm_perm.mode & 01000 ? "yes" : "no");
  tell("shm.mapping", "%.4s", mapping_at(attached));
  tell("shm.readonly", "%.4s", mapping_at(readonly_at));
}

static void give_sem(void) {
  sems = semget(first_key, 3, IPC_CREAT | 0640);
  unsigned short values[] = {5, 0, 7};
  if (given("sem.values", sems)) given("sem.values", semctl(sems, 0, SETALL, values));
}

static void tell_sem(void) {
  unsigned short values[3] = {0};
  struct semid_ds about = {0};
  if (semctl(sems, 0, GETALL, values)) tell_number("sem.values", -1);
  else tell("sem.values", "%u %u %u", values[0], values[1], values[2]);
  tell("sem.mode", "%s",
       semctl(sems, 0, IPC_STAT, &about) ? error_name(errno)
                                         : text("%o, %lu semaphores", about.sem_perm.mode & 0777, (unsigned long)about.sem_nsems));
  int pid = semctl(sems, 0, GETPID);
  tell("sem.last_pid", "%s", pid < 0 ? error_name(errno) : pid == getpid() ? "self" : pid ? "other" : "none");
}

static pid_t undoing;

static void take_with_undo(void) {
  struct sembuf take = {0, -2, SEM_UNDO};
  given("sem-undo.values", semop(sems, &take, 1));
}

static void give_undo(void) {
  sems = semget(first_key + 7, 1, IPC_CREAT | 0600);
  given("sem-undo.values", semctl(sems, 0, SETVAL, 9));
  undoing = start_child(take_with_undo);
}

static void tell_undo(void) {
  tell_number("sem-undo.values", semctl(sems, 0, GETVAL));
  if (!draining) return;
  kill(undoing, SIGKILL);
  usleep(100 * 1000);
  tell_number("sem-undo.content", semctl(sems, 0, GETVAL));
}

struct message {
  long type;
  char text[16];
};

static void give_msg(void) {
  queue = msgget(first_key, IPC_CREAT | 0620);
  if (!given("msg.queue", queue)) return;
  for (long i = 1; i <= 3; i++) {
    struct message message = {i * 11, ""};
    snprintf(message.text, sizeof message.text, "message %ld", i);
    given("msg.count", msgsnd(queue, &message, strlen(message.text), IPC_NOWAIT));
  }
  struct msqid_ds about;
  sized_queue = msgget(first_key + 1, IPC_CREAT | 0600);
  msgctl(sized_queue, IPC_STAT, &about);
  about.msg_qbytes = 4000;
  about.msg_perm.uid = 1234;
  given("msg.bytes", msgctl(sized_queue, IPC_SET, &about));
}

static void tell_msg(void) {
  struct msqid_ds about = {0};
  tell_number("msg.queue", msgget(first_key, 0) == queue ? queue : -1);
  tell("msg.count", "%s",
       msgctl(queue, IPC_STAT, &about)
           ? error_name(errno)
           : text("%lu, %lu bytes, mode %o", (unsigned long)about.msg_qnum, (unsigned long)about.__msg_cbytes, about.msg_perm.mode & 0777));
  tell("msg.last_sender", "%s", about.msg_lspid == getpid() ? "self" : about.msg_lspid ? "other" : "none");
  tell("msg.bytes", "%s",
       msgctl(sized_queue, IPC_STAT, &about) ? error_name(errno)
                                             : text("%lu, owner %u", (unsigned long)about.msg_qbytes, about.msg_perm.uid));
  char all[256] = "";
  for (long i = 0; i < 3; i++) {
    struct message message = {0};
    /* MSG_COPY reads by place and takes nothing. */
    ssize_t got = msgrcv(queue, &message, sizeof message.text, draining ? 0 : i, IPC_NOWAIT | MSG_NOERROR | (draining ? 0 : 040000));
    if (got < 0) snprintf(all + strlen(all), sizeof all - strlen(all), "%s;", error_name(errno));
    else snprintf(all + strlen(all), sizeof all - strlen(all), "%ld: %.*s;", message.type, (int)got, message.text);
  }
  tell("msg.content", "%s", all);
}

const struct area sysv_areas[] = {
    {"shm", give_shm, tell_shm, false, false, "segments, removed ones too"},
    {"sem", give_sem, tell_sem, false, false, "semaphores"},
    {"sem-undo", give_undo, tell_undo, true, false, "SEM_UNDO"},
    {"msg", give_msg, tell_msg, false, false, "message queues"},
    {0},
};
