// What the parts of godwit-criu.so share. objects.c says what it is for.
#pragma once
#include <stdbool.h>

#define EXPORT __attribute__((visibility("default")))

/** Whether this is CRIU. The library is loaded into runc as well. */
extern bool is_criu;
/** Whether it is CRIU, and dumps. */
extern bool is_dump;
