/* Runs areas in processes of their own. They answer through shared memory, because that needs no descriptor. */
#include "census.h"
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

enum { most_helpers = 96, room_bytes = 48 * 1024 };

struct helper {
  _Atomic int asked, answered, draining;
  const char *area;
  size_t used;
  char room[room_bytes];
};

static struct helper *helpers;
static int helper_count, asks;

/* The timeout makes a lost wake-up harmless. */
static void wait_while(_Atomic int *word, int value) {
  struct timespec longest = {1, 0};
  syscall(SYS_futex, word, FUTEX_WAIT, value, &longest, NULL, 0);
}

static void set(_Atomic int *word, int value) {
  atomic_store(word, value);
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void serve(struct helper *helper, const struct area *area) {
  forget_report();
  area->give();
  set(&helper->answered, 0);
  for (int done = 0;;) {
    int asked = atomic_load(&helper->asked);
    if (asked == done) {
      wait_while(&helper->asked, done);
      continue;
    }
    draining = atomic_load(&helper->draining);
    begin_report(helper->room, sizeof helper->room);
    tell_held();
    area->tell();
    helper->used = end_report();
    done = asked;
    set(&helper->answered, done);
  }
}

static bool answered(struct helper *helper, int number, int seconds) {
  for (int i = 0; i < seconds * 2 + 1; i++) {
    int now = atomic_load(&helper->answered);
    if (now == number) return true;
    struct timespec longest = {0, 500 * 1000 * 1000};
    syscall(SYS_futex, &helper->answered, FUTEX_WAIT, now, &longest, NULL, 0);
  }
  return atomic_load(&helper->answered) == number;
}

pid_t start_helper(const struct area *area) {
  if (!helpers) helpers = mmap(NULL, most_helpers * sizeof *helpers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (helpers == MAP_FAILED || helper_count == most_helpers) return -1;
  struct helper *helper = &helpers[helper_count++];
  helper->area = area->name;
  atomic_store(&helper->answered, -1);
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    serve(helper, area);
    _exit(0);
  }
  if (!answered(helper, 0, 20)) fprintf(stderr, "%s: not ready after 20 s\n", area->name);
  return pid;
}

void ask_helpers(void) {
  asks++;
  for (int i = 0; i < helper_count; i++) {
    atomic_store(&helpers[i].draining, draining);
    set(&helpers[i].asked, asks);
  }
}

size_t take_answers(char *room, size_t size) {
  size_t used = 0;
  for (int i = 0; i < helper_count; i++) {
    struct helper *helper = &helpers[i];
    bool there = answered(helper, asks, 20);
    if (used + helper->used + 100 > size) break;
    used += (size_t)sprintf(room + used, "helper.%s", helper->area) + 1;
    used += (size_t)sprintf(room + used, there ? "answered" : "silent") + 1;
    if (!there) continue;
    memcpy(room + used, helper->room, helper->used);
    used += helper->used;
  }
  return used;
}

pid_t start_child(void (*body)(void)) {
  _Atomic int *ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (ready == MAP_FAILED) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    if (body) body();
    set(ready, 1);
    munmap(ready, 4096);
    for (;;) pause();
  }
  for (int i = 0; i < 5 && pid > 0 && !atomic_load(ready); i++) wait_while(ready, 0);
  munmap(ready, 4096);
  return pid;
}
