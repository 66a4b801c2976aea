// System V segments in a restore.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Whether CRIU has attached this segment last.
bool segment_is_attached(uint64_t id);

// Fills it from an object, which has all of its last page and is closed. @returns whether it could
bool segment_fill(int object);
