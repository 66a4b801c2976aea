// godwit-memory: sends the memory of running processes in rounds, and takes it on the other host, in frames of runtime/frames/frames.h.
//
// godwit-memory send: reads orders from its standard input, a line each. It answers each order on its standard output: an int64, 0 or a
// negative errno, and a uint64, a number of pages. Between them it tells how far it is: 1, and the bytes that it has sent so far, or 2, and
// the bytes that compression has saved so far. Where a connection breaks it ends with EPIPE. From descriptor 3 it reads how much it may
// send: an int64 each, bytes in addition, or -1 for no limit, as it is at first. A PID is one of this process's own namespace.
//   connect HOST PORT TICKET KEY LEVEL
//                               connects to a store that has the same key, through the agent there, which knows the ticket (the key in
//                               hexadecimal digits; LEVEL of zstd, 0 for none, -1 for the one that takes least time)
//   connect-here SOCKET         connects to a store on this host
//   check                       in place of the number of pages: how this kernel tells which pages were written. 1: PAGEMAP_SCAN;
//                               2: soft-dirty; 3: both; 0: it does not
//   pinned PID                  1 in place of the number of pages where devices may write into its memory: it cannot be tracked
//   track PID                   begins to track a process, which stops for about a millisecond. A process that is not tracked, or cannot
//                               be, gives all of its memory in each round
//   count PID                   how many pages a round would send now
//   send PID TASK live|frozen|named|shared [PARENT TASK]
//                               sends what has changed since the round before, under the number TASK. The last round is `frozen`, or
//                               `named`: it only names the pages that have changed (`missing`). `shared`: as `live`, but only what
//                               other processes map too. With a parent, which must have been sent in this round: what the process
//                               shares with it by copy-on-write is told (`same`), and not sent again
//   objects, objects-of PID     looks for shared objects: begins anew, and takes those that a process maps
//   send-objects, count-objects the same as for processes, for all objects that were found
//   list-objects PATH           writes which they are to a file
//   hashes PID TASK, hashes-of-objects
//                               sends what all pages must hold that the destination has, after the last round
//   go                          ends a round, and waits until it has arrived
// At the end of its input it ends, and with it all tracking: the processes keep nothing of it.
//
// godwit-memory store FOLDER SOCKET [plain]: takes frames from the connection at descriptor 3, and answers each `go` there with `done`.
// Unless the connection is plain, its standard input begins with the key. Then the agent asks there: it answers `want` frames up to a `go`
// on its standard output with the runs of them that are `missing`, or the `same` as those of another process, and `done`. `missing` in a
// round says that what it has of a run is of no use any more. The memory of a process lies in FOLDER/TASK.memory, a sparse file in which
// each page has the place of its address: FOLDER must be a tmpfs. Shared objects are memfds; at SOCKET it gives them to CRIU, and charges
// the container with them (socket.h). It ends at the end of its input, or with the errno of what failed.
//
// godwit-memory store FOLDER - plain: the same, for a checkpoint. Shared objects are files too, FOLDER/INODE.object.
//
// godwit-memory gather: puts files together from pieces of others, by orders on its standard input, a line each:
//   into PATH, from PATH        the file that is written, made anew, and the one that is read
//   piece OFFSET BYTES          appends a part of the one to the other
//   data                        appends all pages that are no holes. It says which they are on its standard output, `FIRST COUNT`, a line
//                               each, and an empty line
// It ends at the end of its input, or with the errno of what failed.
//
// godwit-memory collapse: puts pages together to transparent huge pages, in parts of processes that its standard input names, `PID FIRST
// COUNT`, a line each. It says how many huge pages it has made. What cannot be put together stays as it is.
#include "collapse.h"
#include "gather.h"
#include "send.h"
#include "store.h"
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
  if (count == 2 && !strcmp(words[1], "send")) return send_memory();
  int is_plain = count == 5 && !strcmp(words[4], "plain");
  if (count == 4 + is_plain && !strcmp(words[1], "store")) return store_memory(words[2], strcmp(words[3], "-") ? words[3] : NULL, is_plain);
  if (count == 2 && !strcmp(words[1], "gather")) return gather_pieces();
  if (count == 2 && !strcmp(words[1], "collapse")) return collapse_pages();
  fprintf(stderr, "usage: godwit-memory send | store FOLDER SOCKET|- [plain] | gather | collapse\n");
  return 2;
}
