// The way to the source: what comes over it goes into the memories, what they lack is asked for.
#pragma once
#include "memory.h"

// Where the agent connects; a later connection takes the place of one before it.
extern int source_listener, source_connection;

void listen_for_source(const char *name);
void accept_source(const struct task *tasks, size_t count);
// From now on the source sends without being asked.
void tell_go(void);
// A thread waits for this page.
void want(const struct task *task, uint64_t page);
bool source_waits_to_hear(void);
void tell_source(void);
void hear_source(void);
// Everything that could be heard was: what has arrived is told.
void tell_arrived(void);
// Nothing is missing any more. Waits until the agent has taken that, or has gone.
void tell_done(void);
int listen_at(const char *name);
