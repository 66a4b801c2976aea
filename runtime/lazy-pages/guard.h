// The guard: the process that holds the userfaultfds. It kills the container if the working process ends too early.
#pragma once

// Renames this process, so that a program that kills the working process by its name does not kill the guard. The agent finds the
// guard by the new name and the folder.
void take_other_name(char **arguments, int count, const char *folder);
// Kills every process of a cgroup. Returns when the cgroup has no process and no process exists whose memory is held here. Only then
// may the guard end, because the userfaultfds end with it. This starts no program and allocates no memory. It repeats what fails for
// as long as it takes, because a process that it could not examine may be alive.
void end_container(const char *cgroup);
