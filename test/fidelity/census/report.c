/* Collects the properties of one process, and writes all as JSON. */
#include "census.h"
#include <poll.h>
#include <stdarg.h>

enum { most = 400 };

bool draining;
const char *folder;

static struct {
  char name[96], why[48];
} unset[most];
static struct {
  char name[80];
  int fd;
} held[most];
static size_t unset_count, held_count;
static char *room;
static size_t room_size, used;

void forget_report(void) { unset_count = held_count = 0; }

static void put(const char *name, const char *value) {
  size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
  if (!room || used + name_size + value_size > room_size) return;
  memcpy(room + used, name, name_size);
  memcpy(room + used + name_size, value, value_size);
  used += name_size + value_size;
}

void begin_report(char *into, size_t size) {
  room = into;
  room_size = size;
  used = 0;
  for (size_t i = 0; i < unset_count; i++) put(unset[i].name, unset[i].why);
}

size_t end_report(void) {
  room = NULL;
  return used;
}

static bool is_unset(const char *name) {
  for (size_t i = 0; i < unset_count; i++)
    if (strcmp(unset[i].name, name) == 0) return true;
  return false;
}

void not_given(const char *name, const char *why) {
  if (unset_count == most || is_unset(name)) return;
  snprintf(unset[unset_count].name, sizeof unset->name, "%s", name);
  snprintf(unset[unset_count++].why, sizeof unset->why, "unset: %s", why);
}

bool given(const char *name, long result) {
  if (result < 0) not_given(name, error_name(errno));
  return result >= 0;
}

void tell(const char *name, const char *format, ...) {
  char value[8192];
  if (is_unset(name)) return;
  va_list values;
  va_start(values, format);
  vsnprintf(value, sizeof value, format, values);
  va_end(values);
  put(name, value);
}

void tell_number(const char *name, long number) {
  if (number == -1) tell(name, "error: %s", error_name(errno));
  else tell(name, "%ld", number);
}

void tell_bytes(const char *name, const void *bytes, size_t count) {
  char value[4096];
  size_t length = 0;
  for (const unsigned char *at = bytes; count-- && length + 5 < sizeof value; at++)
    length += (size_t)snprintf(value + length, sizeof value - length, *at < ' ' || *at > '~' || *at == '\\' ? "\\x%02x" : "%c", *at);
  value[length] = 0;
  tell(name, "%s", value);
}

int hold(const char *name, int fd) {
  if (!given(text("poll.%s", name), fd) || held_count == most) return fd;
  snprintf(held[held_count].name, sizeof held->name, "%s", name);
  held[held_count++].fd = fd;
  return fd;
}

void tell_held(void) {
  static const struct {
    int bit;
    const char *name;
  } bits[] = {{POLLIN, "IN"},   {POLLPRI, "PRI"}, {POLLOUT, "OUT"},   {POLLRDHUP, "RDHUP"},
              {POLLERR, "ERR"}, {POLLHUP, "HUP"}, {POLLNVAL, "NVAL"}, {POLLMSG, "MSG"}};
  for (size_t i = 0; i < held_count; i++) {
    struct pollfd one = {held[i].fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLMSG, 0};
    char events[64] = "";
    poll(&one, 1, 0);
    for (size_t b = 0; b < COUNT(bits); b++)
      if (one.revents & bits[b].bit) strcat(strcat(events, *events ? "|" : ""), bits[b].name);
    tell(text("poll.%s", held[i].name), "%s", *events ? events : "quiet");
    int flags = fcntl(held[i].fd, F_GETFL);
    if (flags < 0) tell_number(text("flags.%s", held[i].name), flags);
    else tell(text("flags.%s", held[i].name), "%#o%s", flags, fcntl(held[i].fd, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
  }
}

struct entry {
  const char *name, *value;
};

static int by_name(const void *one, const void *other) {
  return strcmp(((const struct entry *)one)->name, ((const struct entry *)other)->name);
}

static void write_string(FILE *file, const char *string) {
  fputc('"', file);
  for (const unsigned char *at = (const unsigned char *)string; *at; at++) {
    if (*at == '"' || *at == '\\') fprintf(file, "\\%c", *at);
    else if (*at < ' ' || *at > '~') fprintf(file, "\\u%04x", *at);
    else fputc(*at, file);
  }
  fputc('"', file);
}

void write_json(const char *path, const char *entries, size_t size) {
  static struct entry list[4096];
  size_t count = 0;
  for (size_t at = 0; at < size && count < COUNT(list); count++) {
    list[count].name = entries + at;
    at += strlen(entries + at) + 1;
    list[count].value = entries + at;
    at += strlen(entries + at) + 1;
  }
  qsort(list, count, sizeof *list, by_name);
  char *unfinished = text("%s.new", path);
  FILE *file = fopen(unfinished, "w");
  if (!file) return;
  fprintf(file, "{");
  for (size_t i = 0, lines = 0; i < count; i++) {
    if (i + 1 < count && strcmp(list[i].name, list[i + 1].name) == 0) continue;
    fprintf(file, lines++ ? ",\n" : "\n");
    write_string(file, list[i].name);
    fprintf(file, ": ");
    write_string(file, list[i].value);
  }
  fprintf(file, "\n}\n");
  fclose(file);
  rename(unfinished, path);
}
