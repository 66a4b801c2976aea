// godwit-locks PID ORDERS: takes record locks (fcntl) again that a restore has lost, in the processes that had them. Then it lets the
// container go on, whose processes SIGSTOP has stopped. PID is the container's first process. ORDERS is a file of lines:
//   lock PID FD TYPE START LENGTH   a lock; TYPE 0 is shared, 1 is exclusive; START and LENGTH are bytes; LENGTH 0 has no end
//   go PID                          a process that ran before the dump
// Each PID in ORDERS is the process id within the container. After an error the program prints it and ends with status 1; all processes
// stay stopped then.
#define _GNU_SOURCE
#include "../ptrace/tracee.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct process {
  int inside, outside;
};

static struct process *processes;
static size_t count;

static ino_t namespace_of(const char *pid) {
  char path[300];
  struct stat found;
  snprintf(path, sizeof path, "/proc/%s/ns/pid", pid);
  return stat(path, &found) ? 0 : found.st_ino;
}

/** The process id within the innermost namespace: the last number of the line NSpid. */
static int pid_inside(const char *pid) {
  char path[300], line[512];
  snprintf(path, sizeof path, "/proc/%s/status", pid);
  FILE *status = fopen(path, "re");
  int inside = 0;
  while (status && fgets(line, sizeof line, status))
    if (strncmp(line, "NSpid:", 6) == 0) inside = atoi(strrchr(line, '\t'));
  if (status) fclose(status);
  return inside;
}

static int find_processes(const char *first) {
  ino_t own = namespace_of(first);
  DIR *proc = own ? opendir("/proc") : NULL;
  if (!proc) return 0;
  for (struct dirent *entry; (entry = readdir(proc));) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || namespace_of(entry->d_name) != own) continue;
    processes = realloc(processes, (count + 1) * sizeof *processes);
    if (!processes) return 0;
    processes[count++] = (struct process){pid_inside(entry->d_name), atoi(entry->d_name)};
  }
  closedir(proc);
  return 1;
}

static pid_t outside(int inside) {
  for (size_t i = 0; i < count; i += 1)
    if (processes[i].inside == inside) return processes[i].outside;
  return 0;
}

static int take(int pid, int fd, const struct flock *lock) {
  struct tracee tracee;
  pid_t found = outside(pid);
  long error = found ? tracee_catch(&tracee, found) : -ESRCH;
  if (!error) error = tracee_call_with(&tracee, SYS_fcntl, fd, F_SETLK, lock, sizeof *lock);
  if (found) tracee_release(&tracee);
  if (error)
    fprintf(stderr, "process %d could not take its record lock on file descriptor %d again: %s\n", pid, fd,
            error == -EAGAIN || error == -EACCES ? "somebody else has locked the file meanwhile" : strerror(-error));
  return error == 0;
}

int main(int argc, char **argv) {
  FILE *orders = argc == 3 ? fopen(argv[2], "re") : NULL;
  if (!orders || !find_processes(argv[1])) {
    fprintf(stderr, "the processes to lock files for were not found: %s\n", strerror(errno));
    return 1;
  }
  char line[256];
  while (fgets(line, sizeof line, orders)) {
    int pid, fd, type;
    long long start, length;
    if (sscanf(line, "lock %d %d %d %lld %lld", &pid, &fd, &type, &start, &length) != 5) continue;
    struct flock lock = {.l_type = type ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (!take(pid, fd, &lock)) return 1;
  }
  rewind(orders);
  while (fgets(line, sizeof line, orders)) {
    int pid;
    if (sscanf(line, "go %d", &pid) == 1 && outside(pid)) kill(outside(pid), SIGCONT);
  }
  return 0;
}
