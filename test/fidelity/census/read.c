/* Reads values from /proc and from queues. */
#include "census.h"
#include <ctype.h>
#include <stdarg.h>
#include <sys/ioctl.h>

char *slot(size_t *size) {
  static char slots[8][8192];
  static unsigned next;
  if (size) *size = sizeof *slots;
  return slots[next++ % 8];
}

char *text(const char *format, ...) {
  size_t size;
  char *result = slot(&size);
  va_list values;
  va_start(values, format);
  vsnprintf(result, size, format, values);
  va_end(values);
  return result;
}

const char *error_name(int number) {
  const char *name = strerrorname_np(number);
  return name ? name : text("errno %d", number);
}

char *path_in_folder(const char *name) { return text("%s/%s", folder, name); }

const char *file_text(const char *path) {
  size_t size;
  char *result = slot(&size);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got, length = 0;
  if (fd < 0) return text("error: %s", error_name(errno));
  while ((got = read(fd, result + length, size - 1 - (size_t)length)) > 0) length += got;
  if (got < 0) length = snprintf(result, size, "error: %s", error_name(errno));
  close(fd);
  while (length && (result[length - 1] == '\n' || result[length - 1] == 0 || result[length - 1] == ' ')) length--;
  result[length] = 0;
  for (ssize_t i = 0; i < length; i++)
    if (!result[i]) result[i] = ' ';
  return result;
}

static const char *squeezed(char *line) {
  char *into = line;
  for (char *at = line; *at; at++) {
    bool blank = isspace((unsigned char)*at);
    if (blank && (into == line || into[-1] == ' ')) continue;
    *into++ = blank ? ' ' : *at;
  }
  while (into > line && into[-1] == ' ') into--;
  *into = 0;
  return line;
}

const char *line_after(const char *path, const char *key) {
  size_t size, length = strlen(key);
  char *line = slot(&size);
  FILE *file = fopen(path, "re");
  if (!file) return text("error: %s", error_name(errno));
  while (fgets(line, (int)size, file)) {
    if (strncmp(line, key, length)) continue;
    fclose(file);
    memmove(line, line + length, strlen(line + length) + 1);
    return squeezed(line);
  }
  fclose(file);
  return "none";
}

const char *stat_field(pid_t pid, int field) {
  char *all = (char *)file_text(text("/proc/%d/stat", pid));
  char *at = strrchr(all, ')');
  if (!at) return all;
  for (at += 2; field > 3 && *at; field--) at += strcspn(at, " ") + 1;
  at[strcspn(at, " ")] = 0;
  return at;
}

const char *descriptor_line(int fd, const char *key) { return line_after(text("/proc/self/fdinfo/%d", fd), key); }

/* "sd" says whether the memory was written since some tool looked; it is no property of the mapping. */
static const char *lasting_flags(char *flags) {
  char *into = flags;
  for (char *word = strtok(flags, " "); word; word = strtok(NULL, " ")) {
    if (strcmp(word, "sd") == 0) continue;
    into += snprintf(into, 4, "%s ", word);
  }
  if (into > flags) into[-1] = 0;
  return flags;
}

const char *mapping_at(const void *address) {
  char line[512], head[512] = "no mapping";
  bool inside = false;
  FILE *file = fopen("/proc/self/smaps", "re");
  if (!file) return text("error: %s", error_name(errno));
  while (fgets(line, sizeof line, file)) {
    unsigned long from, to;
    char permissions[8];
    int name = 0;
    if (sscanf(line, "%lx-%lx %7s %*x %*x:%*x %*u %n", &from, &to, permissions, &name) == 3 && name) {
      inside = (uintptr_t)address >= from && (uintptr_t)address < to;
      if (inside) snprintf(head, sizeof head, "%s %s", permissions, squeezed(line + name));
    }
    if (!inside || strncmp(line, "VmFlags:", 8)) continue;
    fclose(file);
    char *flags = text("%s", squeezed(line + 8));
    return text("%s: %s", head, lasting_flags(flags));
  }
  fclose(file);
  return text("%s", head);
}

void tell_queue(const char *name, int fd) {
  char all[4096];
  size_t length = 0;
  int offset = -1, start = 0, type = 0, off = -1;
  socklen_t size = sizeof offset;
  getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
  /* Without an offset, every peek would see the first message. */
  getsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, &size);
  bool messages = type != SOCK_STREAM;
  setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, messages ? &start : &off, sizeof start);
  for (int count = 0; count < 64 && length + 2 < sizeof all; count++) {
    ssize_t got = recv(fd, all + length, sizeof all - length - 1, MSG_DONTWAIT | (draining ? 0 : MSG_PEEK));
    if (got <= 0) break;
    length += (size_t)got;
    if (messages) all[length++] = '|';
    else if (!draining) break;
  }
  setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset);
  tell_bytes(text("%s.content", name), all, length);
}

void tell_file_queue(const char *name, int fd) {
  char all[4096];
  int waiting = -1;
  tell_number(text("%s.waiting", name), ioctl(fd, FIONREAD, &waiting) ? -1 : waiting);
  if (!draining) return;
  int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  ssize_t got = read(fd, all, sizeof all);
  fcntl(fd, F_SETFL, flags);
  if (got < 0) tell(text("%s.content", name), "error: %s", error_name(errno));
  else tell_bytes(text("%s.content", name), all, (size_t)got);
}
