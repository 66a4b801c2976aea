// Frames on their way through a connection: in blocks, which are compressed where that helps.
#pragma once
#include "connection.h"
#include <stdint.h>

// Levels of zstd that are no levels.
enum { compress_auto = -1, compress_off = 0 };

// Everything goes through this connection from now on. It ends with the program.
void blocks_through(struct connection *, int level);

// Whether there is a connection.
int blocks_go(void);

// Gathers bytes, and sends full blocks. What cannot be sent ends the program with EPIPE: nobody reads any more.
void blocks_write(const void *bytes, size_t count);

// Sends what still waits.
void blocks_flush(void);

// Bytes that have gone through the connection so far, and how many more it would have been without compression.
uint64_t blocks_sent(void);
uint64_t blocks_saved(void);

// Called with the bytes that are about to be sent, which may have to wait, and after they are sent.
extern void (*blocks_before)(size_t bytes);
extern void (*blocks_after)(void);

// @returns bytes that were read, at most `most`; 0 at the end, -1 where the connection broke or brings no blocks
ssize_t blocks_read(void *to, size_t most);

// Whether something can be read that no poll() tells.
int blocks_hold(void);
