// Two processes that hang together by every kind of IPC that CRIU can migrate (unsupported.c has the others), set up once and used
// in every round, which prints a number.
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EXPECT(condition)                                                                     \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      printf("WRONG: line %d: %s (errno %s)\n", __LINE__, #condition, strerror(errno));       \
      fflush(stdout);                                                                         \
      _exit(1);                                                                               \
    }                                                                                         \
  } while (0)

enum { words = 1 << 20 };
struct message {
  long type;
  long number;
};

static int sysv_shm, sysv_sem, sysv_msg, event_ask, event_answer, signal_fd, timer_fd;
static long *sysv_memory, *posix_memory;
static sem_t *posix_ask, *posix_answer;

// EINTR comes of a stop by CRIU, as of any signal.
#define AGAIN(call)                                        \
  ({                                                       \
    long result_;                                          \
    do result_ = (call);                                   \
    while (result_ < 0 && errno == EINTR);                 \
    result_;                                               \
  })

static void sem_change(int which, int by) {
  struct sembuf change = {.sem_num = which, .sem_op = by};
  EXPECT(AGAIN(semop(sysv_sem, &change, 1)) == 0);
}

static void set_up(void) {
  EXPECT((sysv_shm = shmget(0x1234, words * sizeof(long), IPC_CREAT | 0600)) >= 0);
  EXPECT((sysv_memory = shmat(sysv_shm, NULL, 0)) != (void *)-1);
  EXPECT((sysv_sem = semget(0x1235, 2, IPC_CREAT | 0600)) >= 0);
  EXPECT((sysv_msg = msgget(0x1236, IPC_CREAT | 0600)) >= 0);
  struct message kept = {.type = 9, .number = 4711};
  EXPECT(msgsnd(sysv_msg, &kept, sizeof kept.number, 0) == 0);
  int memory = shm_open("/memory", O_RDWR | O_CREAT, 0600);
  EXPECT(memory >= 0 && ftruncate(memory, words * sizeof(long)) == 0);
  posix_memory = mmap(NULL, words * sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  EXPECT(posix_memory != MAP_FAILED);
  EXPECT((posix_ask = sem_open("/ask", O_CREAT, 0600, 0)) != SEM_FAILED);
  EXPECT((posix_answer = sem_open("/answer", O_CREAT, 0600, 0)) != SEM_FAILED);
  EXPECT((event_ask = eventfd(0, 0)) >= 0 && (event_answer = eventfd(0, 0)) >= 0);
  sigset_t usr1;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  EXPECT(sigprocmask(SIG_BLOCK, &usr1, NULL) == 0);
  EXPECT((signal_fd = signalfd(-1, &usr1, 0)) >= 0);
  EXPECT((timer_fd = timerfd_create(CLOCK_MONOTONIC, 0)) >= 0);
  struct itimerspec often = {{0, 20 * 1000 * 1000}, {0, 20 * 1000 * 1000}};
  EXPECT(timerfd_settime(timer_fd, 0, &often, NULL) == 0);
}

// The other process answers each question with its number plus one, on the way that it came.
static void answer(void) {
  for (long number = 0;; number++) {
    uint64_t value;
    sem_change(0, -1);
    EXPECT(sysv_memory[number % words] == number);
    sysv_memory[number % words] = number + 1;
    sem_change(1, 1);
    EXPECT(AGAIN(sem_wait(posix_ask)) == 0);
    EXPECT(posix_memory[number % words] == number);
    posix_memory[number % words] = number + 1;
    EXPECT(sem_post(posix_answer) == 0);
    struct message message;
    EXPECT(AGAIN(msgrcv(sysv_msg, &message, sizeof message.number, 1, 0)) == sizeof message.number);
    message = (struct message){.type = 2, .number = message.number + 1};
    EXPECT(AGAIN(msgsnd(sysv_msg, &message, sizeof message.number, 0)) == 0);
    EXPECT(AGAIN(read(event_ask, &value, sizeof value)) == sizeof value && value == (uint64_t)number + 1);
    EXPECT(AGAIN(write(event_answer, &value, sizeof value)) == sizeof value);
    EXPECT(kill(getppid(), SIGUSR1) == 0);
  }
}

static void ask(long number, pid_t other) {
  uint64_t value;
  sysv_memory[number % words] = number;
  sem_change(0, 1);
  sem_change(1, -1);
  EXPECT(sysv_memory[number % words] == number + 1);
  posix_memory[number % words] = number;
  EXPECT(sem_post(posix_ask) == 0 && AGAIN(sem_wait(posix_answer)) == 0);
  EXPECT(posix_memory[number % words] == number + 1);
  struct message message = {.type = 1, .number = number};
  EXPECT(AGAIN(msgsnd(sysv_msg, &message, sizeof message.number, 0)) == 0);
  EXPECT(AGAIN(msgrcv(sysv_msg, &message, sizeof message.number, 2, 0)) > 0 && message.number == number + 1);
  value = number + 1;
  EXPECT(AGAIN(write(event_ask, &value, sizeof value)) == sizeof value);
  EXPECT(AGAIN(read(event_answer, &value, sizeof value)) == sizeof value && value == (uint64_t)number + 1);
  struct signalfd_siginfo signal;
  EXPECT(AGAIN(read(signal_fd, &signal, sizeof signal)) == sizeof signal);
  EXPECT(signal.ssi_signo == SIGUSR1 && signal.ssi_pid == (uint32_t)other);
  EXPECT(AGAIN(read(timer_fd, &value, sizeof value)) == sizeof value && value > 0);
}

// What was written once and is only kept: a message nobody has fetched, and all of the memory.
static void look_at_kept(long number) {
  struct msqid_ds queue;
  EXPECT(msgctl(sysv_msg, IPC_STAT, &queue) == 0 && queue.msg_qnum == 1);
  for (long i = number + 1; i < words; i++) EXPECT(sysv_memory[i] == -i && posix_memory[i] == -i);
  for (long i = 0; i <= number; i++) EXPECT(sysv_memory[i] == i + 1 && posix_memory[i] == i + 1);
}

int main(void) {
  set_up();
  for (long i = 0; i < words; i++) sysv_memory[i] = posix_memory[i] = -i;
  pid_t other = fork();
  EXPECT(other >= 0);
  if (other == 0) answer();
  for (long number = 0;; number++) {
    ask(number, other);
    look_at_kept(number);
    printf("%ld\n", number);
    fflush(stdout);
  }
}
