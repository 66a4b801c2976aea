// The connection to the source. Pages that arrive go into the memories. Missing pages are requested.
#pragma once
#include "memory.h"

// The agent connects to the listener. A later connection replaces an earlier one.
extern int source_listener, source_connection;

void listen_for_source(const char *name);
void accept_source(const struct task *tasks, size_t count);
// Tells the source to send all missing pages without being asked.
void tell_go(void);
// Requests a page that a thread waits for.
void want(const struct task *task, uint64_t page);
// Whether frames for the source are not sent yet.
bool source_waits_to_hear(void);
// Sends them, as far as the socket takes them. Never waits.
void tell_source(void);
// Reads what has arrived from the source, at most one frame. Never waits.
void hear_source(void);
// Whether frames have arrived that the source does not know of yet. `tell_arrived` confirms them when nothing more is there to read.
bool source_awaits_arrival(void);
void tell_arrived(void);
// Tells the source that no page is missing. Waits until the source has got that, or the connection has ended or is silent.
void tell_done(void);
// Listens at a unix socket in the working folder. Returns its descriptor. Ends the program on failure.
int listen_at(const char *name);
