#include "tracee.h"
#include <pthread.h>

struct apart {
  void (*work)(void *of);
  void *of;
};

static void *work_apart(void *of) {
  const struct apart *apart = of;
  apart->work(apart->of);
  return NULL;
}

int tracee_apart(void (*work)(void *of), void *of) {
  struct apart apart = {work, of};
  pthread_t thread;
  int error = pthread_create(&thread, NULL, work_apart, &apart);
  if (!error) pthread_join(thread, NULL);
  return -error;
}
