#define _GNU_SOURCE
#include "state.h"
#include "table.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct value {
  // -1 where the socket has no such option.
  int bytes;
  unsigned char at[MOST_OPTION_BYTES];
};

/** The values of a new socket of one kind. */
struct fresh {
  int domain, type, protocol;
  struct value values[OPTIONS];
};
static struct fresh **kinds;
static size_t kind_count;

static int is_connected(int fd) {
  union address peer;
  socklen_t length = sizeof peer;
  return !getpeername(fd, &peer.any, &length);
}

static struct value read_option(int fd, const struct option *option) {
  struct value value = {.bytes = -1};
  socklen_t length = option->bytes;
  if (option->kind == before && is_connected(fd)) return value;
  if ((option->kind == not_of_streams || option->kind == index_not_of_streams) && sockets_number(fd, SO_TYPE) == SOCK_STREAM) return value;
  if (!getsockopt(fd, option->level, option->number, value.at, &length)) value.bytes = (int)length;
  return value;
}

/** Opened in the network namespace of this process, which is the container's. NULL where there is no such socket. */
static const struct fresh *fresh_of(const struct socket *socket_) {
  for (size_t i = 0; i < kind_count; i++) {
    struct fresh *kind = kinds[i];
    if (kind->domain == socket_->domain && kind->type == socket_->type && kind->protocol == socket_->protocol) return kind;
  }
  int fd = socket(socket_->domain, socket_->type | SOCK_CLOEXEC, socket_->protocol);
  struct fresh *kind = fd < 0 ? NULL : malloc(sizeof *kind);
  struct fresh **more = kind ? realloc(kinds, (kind_count + 1) * sizeof *kinds) : NULL;
  if (more) {
    kinds = more;
    kinds[kind_count++] = kind;
    *kind = (struct fresh){socket_->domain, socket_->type, socket_->protocol, {{0}}};
    for (size_t i = 0; i < OPTIONS; i++) kind->values[i] = read_option(fd, &table[i]);
  } else free(kind);
  if (fd >= 0) close(fd);
  return more ? kind : NULL;
}

static int is_same(const struct value *one, const struct value *other) {
  return one->bytes == other->bytes && (one->bytes <= 0 || memcmp(one->at, other->at, (size_t)one->bytes) == 0);
}

static int is_index(const struct option *option) {
  return option->kind == index_of || option->kind == index_be || option->kind == index_not_of_streams;
}

static unsigned index_in(const struct option *option, const struct value *value) {
  unsigned index;
  memcpy(&index, value->at, sizeof index);
  return option->kind == index_be ? ntohl(index) : index;
}

void options_save(const struct socket *socket, FILE *to) {
  const struct fresh *fresh = fresh_of(socket);
  for (size_t i = 0; fresh && i < OPTIONS; i++) {
    const struct option *option = &table[i];
    struct value value = read_option(socket->fd, option);
    if (value.bytes < 0 || is_same(&value, &fresh->values[i])) continue;
    char name[IF_NAMESIZE];
    if (is_index(option) && !if_indextoname(index_in(option, &value), name)) continue;
    fprintf(to, "option %d %d ", option->level, option->number);
    if (is_index(option)) fputs(name, to);
    else hex_write(to, value.at, (size_t)value.bytes);
    fputc('\n', to);
  }
}

/** The options of the socket whose lines are read. */
static struct value wanted[OPTIONS];
static int is_known;

void options_begin(const struct socket *socket) {
  const struct fresh *fresh = fresh_of(socket);
  is_known = fresh != NULL;
  if (fresh) memcpy(wanted, fresh->values, sizeof wanted);
}

int options_take(const struct socket *socket, const char *line) {
  int level, number, begin = 0;
  if (sscanf(line, "option %d %d %n", &level, &number, &begin) != 2 || !begin) return 0;
  size_t i = 0;
  while (i < OPTIONS && (table[i].level != level || table[i].number != number)) i++;
  const char *text = line + begin;
  if (i == OPTIONS || !is_known) {
    lost("option %d of level %d of socket %d of process %d is not known here", number, level, socket->number, socket->process);
  } else if (!is_index(&table[i])) {
    wanted[i].bytes = (int)hex_read(text, wanted[i].at, sizeof wanted[i].at);
  } else {
    char name[IF_NAMESIZE] = "";
    sscanf(text, "%15s", name);
    unsigned index = if_nametoindex(name);
    if (index == 0) lost("%s of socket %d of process %d: there is no interface %s", table[i].name, socket->number, socket->process, name);
    if (table[i].kind == index_be) index = htonl(index);
    memcpy(wanted[i].at, &index, sizeof index);
    wanted[i].bytes = sizeof index;
  }
  return 1;
}

void options_end(const struct socket *socket) {
  for (size_t i = 0; is_known && i < OPTIONS; i++) {
    const struct option *option = &table[i];
    struct value now = read_option(socket->fd, option);
    if (now.bytes < 0 || wanted[i].bytes < 0 || is_same(&now, &wanted[i])) continue;
    int failed = setsockopt(socket->fd, option->level, option->number, wanted[i].at, (socklen_t)wanted[i].bytes);
    int error = errno;
    if (failed) {
      lost("%s of socket %d of process %d could not be set: %s", option->name, socket->number, socket->process, strerror(error));
      continue;
    }
    now = read_option(socket->fd, option);
    if (!is_same(&now, &wanted[i])) lost("%s of socket %d of process %d has another value now", option->name, socket->number, socket->process);
  }
}
