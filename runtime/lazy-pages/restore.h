// CRIU's side: what restores the container gives the userfaultfd of each process away.
#pragma once
#include "memory.h"

extern int restore_listener, restore_connection;
// CRIU has restored everything.
extern bool restored;

void listen_for_restore(void);
void accept_restore(void);
// Takes one word. Ends the program where the restore has failed.
void hear_restore(struct task *tasks, size_t count);
