// State of a container's processes that CRIU leaves out, as lines of text. Ids are those within the container, numbers are decimal if not
// said otherwise, and bytes are hexadecimal.
//   affinity TID MASK            the CPUs of a thread that may not use all of them, lowest byte first
//   slack TID NS                 timer slack
//   ioprio TID VALUE             as ioprio_set(2) takes it
//   coredump PID FILTER          hexadecimal, as in /proc/PID/coredump_filter
//   owner PID FD UID GID MODE    of a socket or a pipe; MODE is octal
//   timer PID ID                 a timer of timer_create(2) that signals the main thread. The images tell CRIU so; here it is only checked
//   semaphore PID FD             an eventfd that is a semaphore. The images tell CRIU so; here it is only checked
//   socket PID FD DOMAIN TYPE PROTOCOL   a socket. The lines up to the next one belong to it
//   option LEVEL NUMBER VALUE    an option that is not as in a new socket; of an option that names a network interface, that name
//   member LEVEL INTERFACE MODE GROUP [SOURCE...]   a multicast group: the name of an interface, the mode of MCAST_MSFILTER, addresses
//   removed ID                   a segment of System V shared memory that goes with its last user
//   locked ID                    a segment that stays in memory (SHM_LOCK)
//   queue ID BYTES               a message queue of another size than usual
//   autogroup PID NICE           of a process's session
//   slice TID NS                 the time that a thread runs at a stretch
//   datagram FROM PORT TO DATA   an unread datagram: addresses, the port that it came from, its contents
#pragma once
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

// One process of the container: its id there, and on the host.
struct process {
  pid_t inside, outside;
};

// What a socket is, and a descriptor of it.
struct socket {
  pid_t process;
  int number, fd;
  int domain, type, protocol;
};

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage storage;
};

// tasks.c
void tasks_save(const struct process *process, FILE *to);
// @returns whether the line was one of this kind
int tasks_restore(const char *line);

// sockets.c
// An option of SOL_SOCKET; -1 where the socket has none.
int sockets_number(int fd, int option);
// A duplicate of a descriptor of a restored process; -1 where there is none.
int descriptor_open(pid_t inside, int number);
// @returns whether a socket or pipe with this inode is met for the first time
int sockets_remember(unsigned long inode);
void sockets_save(const struct process *process, FILE *to);
int sockets_restore(const char *line);
// After the last line: options that are as in a new socket.
void sockets_restored(void);

// owners.c
void owner_save(pid_t process, int number, int fd, FILE *to);
int owner_restore(const char *line);

// timers.c
void timers_save(const struct process *process, FILE *to);
int timers_restore(const char *line);

// semaphores.c
void semaphore_save(const struct process *process, int number, FILE *to);
int semaphore_restore(const char *line);

// options.c
void options_save(const struct socket *socket, FILE *to);
void options_begin(const struct socket *socket);
int options_take(const struct socket *socket, const char *line);
void options_end(const struct socket *socket);

// members.c
void members_save(const struct socket *socket, FILE *to);
int members_restore(const struct socket *socket, const char *line);

// datagrams.c
void datagrams_save(const struct socket *socket, FILE *to);
int datagrams_restore(const struct socket *socket, const char *line);

// hex.c
void hex_write(FILE *to, const void *bytes, size_t count);
// @returns the number of bytes, at most `most`; -1 where it is not hexadecimal, or longer. Ends at the first space or the end of the line.
ssize_t hex_read(const char *text, void *bytes, size_t most);

// processes.c
// All processes that descend from `first`, which is the first one of a container. @returns whether it is there
int processes_find(pid_t first);
// Host's id of a process or thread of the container; 0 where it is not there.
pid_t processes_outside(pid_t inside);
pid_t processes_outside_thread(pid_t inside);
// The id of a process or thread within the container; 0 where it is gone. `path` is its folder in /proc.
pid_t processes_inside(const char *path);

// address.c
// @param text room for INET6_ADDRSTRLEN characters
const char *address_text(const union address *address, char *text);
// @returns whether it is an address of one of the families, of which it gets the port 0
int address_read(const char *text, union address *to);
socklen_t address_length(const union address *address);
// An IPv4 address that stands in an IPv6 one as such.
union address address_plain(const union address *address);

// segments.c. Both make this process enter the ipc namespace of `first`.
void segments_save(pid_t first, FILE *to);
int segments_restore(pid_t first, const char *line);

// look.c
// Writes what of a process is in flight: "events PID FD BYTES", unread events of inotify; "waiting PID FD DOMAIN", connections that nobody
// has accepted; "messages PID FD", unread messages of netlink, which `discard` takes away: CRIU refuses a socket that has some. @returns how
// many descriptors it has that can have such
size_t look_at(const struct process *process, int discard, FILE *to);

// locks.c
// Takes record locks again, and lets the processes go on: `orders` is a file that locks.c describes. @returns whether it could
int locks_retake(pid_t first, const char *orders);

// main.c
// Makes this process enter a namespace of another one: `kind` is its name in /proc/PID/ns. @returns whether it could
int enter_namespace(pid_t pid, const char *kind);
// Says what could not be put back, as printf. The restore goes on.
void lost(const char *format, ...) __attribute__((format(printf, 1, 2)));
