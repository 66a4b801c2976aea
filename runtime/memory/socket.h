// What others ask of the store at its socket: a uint64 each, on a connection of its own.
//   the number of an inode       CRIU (its library, runtime/criu) gets a descriptor of that shared object with a byte 1, or a byte 0
//   charge_request               followed by the folder of a cgroup, with a zero at its end: the agent gets an int64, 0 or a negative
//                                errno, once the objects are charged to that cgroup
#pragma once
#include <stdint.h>

#define charge_request UINT64_MAX

struct answers {
  // A descriptor, or -1.
  int (*object)(uint64_t inode);
  int (*charge)(const char *cgroup);
};

// A listening socket at this path, or -1.
int socket_at(const char *path);

// Takes one connection and answers it.
void socket_answer(int listener, const struct answers *answers);
