#include "choice.h"
#include <time.h>

static const int levels[] = {0, 1, 3, 6};
enum { COUNT = sizeof levels / sizeof *levels };
// Each level is tried again after so many blocks: the contents of memory differ, and so does the link.
enum { TRY_EVERY = 48 };
// What was measured last counts this much. A single block may fit into the buffers on the way, and seem to take no time.
static const double weight = 1.0 / 12;
// A level that brings less than this is not worth its processor time.
static const double worthwhile = 0.9;

/** Of one byte of memory: what is left of it, and the ns that coding takes. */
static struct {
  double share, coding;
  int known;
} of[COUNT] = {{1, 0, 1}};
/** Of one byte on the wire, in ns. */
static double sending;
static unsigned blocks;

static double smooth(double before, double now, int is_first) { return is_first ? now : before + weight * (now - before); }

static double cost(int i) { return of[i].coding + of[i].share * sending; }

int choice_of_level(void) {
  unsigned turn = blocks++ % TRY_EVERY;
  // The first blocks tell how fast the link is. Two of each level in turn follow: a first use of a level takes longer.
  if (turn >= 4 && turn < 4 + 2 * (COUNT - 1)) {
    int i = 1 + (int)(turn - 4) / 2;
    // A level that takes longer than sending it all is not tried again and again.
    if (!of[i].known || of[i].coding < 2 * sending) return levels[i];
  }
  int best = 0;
  for (int i = 1; i < COUNT; i++)
    if (of[i].known && cost(i) < worthwhile * sending && cost(i) < cost(best)) best = i;
  return levels[best];
}

void choice_learn(int level, size_t plain, size_t coded, uint64_t coding, uint64_t sending_took) {
  sending = smooth(sending, (double)sending_took / (double)coded, sending == 0);
  for (int i = 1; i < COUNT; i++) {
    if (levels[i] != level) continue;
    of[i].share = smooth(of[i].share, (double)coded / (double)plain, !of[i].known);
    of[i].coding = smooth(of[i].coding, (double)coding / (double)plain, !of[i].known);
    of[i].known = 1;
  }
}

uint64_t choice_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
