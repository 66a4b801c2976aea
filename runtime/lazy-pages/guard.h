// The process that holds the userfaultfds, and what it does when the one that works has ended too early.
#pragma once

// Whoever ends the one that works by its name must not end the one that holds.
void take_other_name(char **arguments, int count);
// The userfaultfds go with the process: it must stay until the container's last thread is gone, for which this waits.
void kill_container(const char *root, const char *id);
