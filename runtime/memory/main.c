// godwit-memory: sends the memory of running processes in rounds, and takes it on the other host, in frames of runtime/frames/frames.h.
//
// godwit-memory send: reads orders from its standard input, a line each, and sends frames to descriptor 3. It answers each order on its
// standard output: an int64, 0 or a negative errno, and a uint64, a number of pages. A PID is one of this process's own namespace.
//   check                       whether this kernel can tell which pages were written
//   pinned PID                  1 in place of the number of pages where devices may write into its memory: it cannot be tracked
//   track PID                   begins to track a process, which stops for about a millisecond. A process that is not tracked, or cannot
//                               be, gives all of its memory in each round
//   count PID                   how many pages a round would send now
//   send PID TASK live|frozen|named|shared [PARENT TASK]
//                               sends what has changed since the round before, under the number TASK. The last round is `frozen`, or
//                               `named`: it only names the pages that have changed (`missing`). `shared`: as `live`, but only what
//                               other processes map too. What the process shares with its parent by copy-on-write is told (`same`),
//                               and not sent again; the parent must have been sent in this round
//   objects, objects-of PID     looks for shared objects: begins anew, and takes those that a process maps
//   send-objects, count-objects the same as for processes, for all objects that were found
//   list-objects PATH           writes which they are to a file
//   hashes PID TASK, hashes-of-objects
//                               sends what all pages must hold that the destination has, after the last round
//   go                          ends a round
// At the end of its input it ends, and with it all tracking: the processes keep nothing of it.
//
// godwit-memory store FOLDER SOCKET: takes frames from its standard input and answers on its standard output: each `go` with `done`, and
// each `want` with the runs of it that are `missing`, or the `same` as those of another process. `missing` in its input says that what it has of a run is of no use any more. The memory of a process lies in FOLDER/TASK.memory, a sparse
// file in which each page has the place of its address: FOLDER must be a tmpfs. Shared objects are memfds; at SOCKET it gives them to
// CRIU, which asks by the number of an inode (uint64). It ends at the end of its input, or with the errno of what failed.
#include "send.h"
#include "store.h"
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
  if (count == 2 && !strcmp(words[1], "send")) return send_memory();
  if (count == 4 && !strcmp(words[1], "store")) return store_memory(words[2], words[3]);
  fprintf(stderr, "usage: godwit-memory send | store FOLDER SOCKET\n");
  return 2;
}
