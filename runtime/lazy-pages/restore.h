// The connection to the CRIU that restores the container. CRIU sends the userfaultfd of each process.
#pragma once
#include "memory.h"

extern int restore_listener, restore_connection;
// CRIU has restored everything.
extern bool restored;

void listen_for_restore(void);
void accept_restore(void);
// Reads one message of CRIU. Ends the program where the restore has failed.
void hear_restore(struct task *tasks, size_t count);
