/* What the files of the census share. A property is one line of the report: a stable name and a value that does not depend on the host. */
#ifndef CENSUS_H
#define CENSUS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/*
 * `give` gives the properties their values, once; `tell` reads them from the kernel and reports them, at each ask.
 * An area with `own` runs in a process of its own: its values are those of a whole process, or could disturb others.
 * An area with `optional` is not part of a run without --only or --with: CRIU refuses it, or it is not known to dump it.
 */
struct area {
  const char *name;
  void (*give)(void), (*tell)(void);
  bool own, optional;
  const char *about;
};
/* The list of each file ends with an area without a name. */
extern const struct area socket_areas[], ip_areas[], tcp_areas[], udp_areas[], unix_areas[], link_areas[], pipe_areas[], file_areas[],
    lock_areas[], event_areas[], timer_areas[], memory_areas[], policy_areas[], prctl_areas[], sched_areas[], identity_areas[],
    limit_areas[], signal_areas[], terminal_areas[], job_areas[], place_areas[], sysv_areas[], posix_areas[], clock_areas[], thread_areas[],
    guard_areas[], refused_areas[], foreign_areas[];

/* report.c */
/* True while a report is made that may read queues for real. */
extern bool draining;
/* The folder of ask, drain and report.json, and of the files that the census makes. Absolute. */
extern const char *folder;
/* Reports a value. Does nothing for a property that was not given. */
void tell(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reports the number, or the errno for -1. */
void tell_number(const char *name, long number);
/* Reports bytes as text; "" for none. */
void tell_bytes(const char *name, const void *bytes, size_t count);
/* Keeps in mind that this property could not be given, if `result` is below 0. Its value is "unset: ERRNO" from now on. */
bool given(const char *name, long result);
void not_given(const char *name, const char *why);
/* Reports poll.NAME and flags.NAME of this descriptor from now on. Answers the descriptor. */
int hold(const char *name, int fd);
void tell_held(void);
void forget_report(void);
void begin_report(char *room, size_t size);
size_t end_report(void);
/* Writes the collected entries ("name\0value\0"...) as one JSON object, sorted by name. */
void write_json(const char *path, const char *entries, size_t size);
int compare_reports(const char *before, const char *after);

/* read.c: what they answer stands until the 8th call after it. */
char *slot(size_t *size);
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The file with blanks for zero bytes and without blanks at its end; "error: ERRNO" if it cannot be read. */
const char *file_text(const char *path);
/* What follows `key` in the line of the file that begins with it, with single blanks; "none" without such a line. */
const char *line_after(const char *path, const char *key);
/* The field (from 1, as in proc(5)) of /proc/PID/stat. */
const char *stat_field(pid_t pid, int field);
const char *descriptor_line(int fd, const char *key);
/* Permissions, name and VmFlags of the mapping at this address. */
const char *mapping_at(const void *address);
/* The bytes that wait in a socket without taking them, or (draining) with it; messages are parted by '|'. */
void tell_queue(const char *name, int fd);
void tell_file_queue(const char *name, int fd);
const char *error_name(int number);
char *path_in_folder(const char *name);

/* helpers.c */
pid_t start_helper(const struct area *area);
void ask_helpers(void);
size_t take_answers(char *room, size_t size);
/* Forks a child that does `body` and then waits forever. Answers when the body is done. */
pid_t start_child(void (*body)(void));

/* options.c */
struct option {
  const char *name;
  int level, number, reads;
  socklen_t size;
  const void *value;
  char kind;
};
#define NUMBER(level, option, value) {#option, level, option, option, sizeof(int), &(const int){value}, 'n'}
#define BYTES(level, option, type, ...) {#option, level, option, option, sizeof(type), &(const type)__VA_ARGS__, 'x'}
#define TEXT(level, option, value) {#option, level, option, option, sizeof(value) - 1, value, 't'}
void give_options(const char *prefix, int fd, const struct option *options, size_t count);
void tell_options(const char *prefix, int fd, const struct option *options, size_t count);
/* A socket bound to this port of 127.0.0.1 or, for AF_INET6, of ::. */
int bound_socket(int family, int type, int port);
int connect_to(int fd, int family, int port);
/* Local and remote address and port. */
void tell_addresses(const char *name, int fd);
/* Reports the filter of a multicast group that this socket has joined through lo. */
void tell_membership(const char *name, int fd, int family, const char *group);
bool join_group(const char *name, int fd, int family, int option, const char *group, const char *source);

#endif
