// Where CRIU's code runs in a process.
#pragma once
#include <stdint.h>
#include <sys/types.h>

// The address that stands for `address` of a process: another one where CRIU has chosen memory that cannot be changed, for what it writes
// there and calls there.
uintptr_t detour(pid_t pid, uintptr_t address);
