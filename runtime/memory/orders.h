// The agent's side of godwit-memory: it answers orders, tells how far it is, and goes no faster than the agent allows.
#pragma once
#include <stdint.h>

// To standard output: `status` is 0 or a negative errno.
void answer(int status, uint64_t pages);

// From now on, tells the bytes that have been sent, in place of an answer's pages and with the status 1, and those that compression has
// saved, with the status 2; and obeys descriptor 3.
void report_and_obey(void);
