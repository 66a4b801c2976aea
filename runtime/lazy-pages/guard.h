// The process that holds the userfaultfds, and what it does when the one that works has ended too early.
#pragma once

// Whoever ends the one that works by its name must not end the one that holds. The agent finds it by the new name and the folder.
void take_other_name(char **arguments, int count, const char *folder);
// Kills every process of a cgroup, and returns when none is left there and all memory that is held here has gone with its
// processes: the userfaultfds go with this process. It starts no program and asks for no memory. What it cannot do or see now it
// tries again, for as long as it takes: what could not be looked at may be alive.
void end_container(const char *cgroup);
