// Which level of zstd brings bytes over the fastest: what the blocks before took tells.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A level of zstd, or 0 for none.
int choice_of_level(void);

// A block of `plain` bytes became `coded` bytes at this level. That took `coding` ns, and sending it took `sending` ns.
void choice_learn(int level, size_t plain, size_t coded, uint64_t coding, uint64_t sending);

// Nanoseconds.
uint64_t choice_now(void);
