#define _GNU_SOURCE
#include "orders.h"
#include "wire/blocks.h"
#include "wire/choice.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { allowances = 3 };
// Readers are told four times a second.
static const uint64_t report_every = 250000000;

static void tell(int64_t status, uint64_t number) {
  struct {
    int64_t status;
    uint64_t number;
  } answer = {status, number};
  fwrite(&answer, sizeof answer, 1, stdout);
  fflush(stdout);
}

static uint64_t reported, reported_saved, reported_at;

static void report(void) {
  if (blocks_sent() == reported) return;
  tell(1, reported = blocks_sent());
  if (blocks_saved() != reported_saved) tell(2, reported_saved = blocks_saved());
  reported_at = choice_now();
}

void answer(int status, uint64_t pages) {
  report();
  tell(status, pages);
}

// Bytes that may still be sent; below zero: there is no limit.
static int64_t allowed = -1;

/** Takes what the agent has written: an int64, bytes that may go in addition, or -1 for no limit. */
static void take_allowance(int wait) {
  struct pollfd watched = {allowances, POLLIN, 0};
  while (poll(&watched, 1, wait ? -1 : 0) > 0) {
    int64_t more;
    if (read(allowances, &more, sizeof more) != sizeof more) exit(EPIPE);
    allowed = more < 0 ? -1 : (allowed < 0 ? 0 : allowed) + more;
    wait = 0;
  }
}

static void obey(size_t bytes) {
  take_allowance(0);
  while (allowed >= 0 && allowed < (int64_t)bytes) {
    // The agent allows only what it sees go.
    report();
    take_allowance(1);
  }
  if (allowed >= 0) allowed -= (int64_t)bytes;
}

static void report_sometimes(void) {
  if (choice_now() - reported_at > report_every) report();
}

void report_and_obey(void) {
  blocks_before = obey;
  blocks_after = report_sometimes;
}
