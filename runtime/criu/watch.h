#pragma once
#include <stdbool.h>

void watch_begin(void);
/** Whether the agent wants the dump to end: the call that asks must fail then. Sets errno. */
bool watch_ends(void);
