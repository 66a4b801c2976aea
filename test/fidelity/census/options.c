/* Socket options by tables, and addresses. */
#include "census.h"
#include <arpa/inet.h>
#include <netinet/in.h>

enum { lo = 1 };

static const char *read_option(int fd, const struct option *option) {
  unsigned char value[256] = {0};
  socklen_t size = option->kind == 't' ? 64 : option->size;
  if (getsockopt(fd, option->level, option->reads, value, &size)) return text("error: %s", error_name(errno));
  if (option->kind == 't') return text("%.*s", (int)strnlen((char *)value, size), (char *)value);
  if (option->kind == 'n') {
    /* Some options answer one byte. */
    int number = 0;
    memcpy(&number, value, size < sizeof number ? size : sizeof number);
    return text("%d", number);
  }
  char *hex = text("%s", "");
  for (socklen_t i = 0; i < size && i < sizeof value; i++) sprintf(hex + 2 * i, "%02x", value[i]);
  return hex;
}

void give_options(const char *prefix, int fd, const struct option *options, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const char *name = text("%s.%s", prefix, options[i].name);
    char before[600];
    snprintf(before, sizeof before, "%s", read_option(fd, &options[i]));
    if (!given(name, setsockopt(fd, options[i].level, options[i].number, options[i].value, options[i].size))) continue;
    if (strcmp(before, read_option(fd, &options[i])) == 0) not_given(name, text("stays %s", before));
  }
}

void tell_options(const char *prefix, int fd, const struct option *options, size_t count) {
  for (size_t i = 0; i < count; i++) tell(text("%s.%s", prefix, options[i].name), "%s", read_option(fd, &options[i]));
}

static socklen_t address_of(struct sockaddr_storage *address, int family, int port) {
  memset(address, 0, sizeof *address);
  address->ss_family = (sa_family_t)family;
  if (family == AF_INET6) {
    ((struct sockaddr_in6 *)address)->sin6_port = htons((uint16_t)port);
    return sizeof(struct sockaddr_in6);
  }
  struct sockaddr_in *four = (struct sockaddr_in *)address;
  four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  four->sin_port = htons((uint16_t)port);
  return sizeof *four;
}

int bound_socket(int family, int type, int port) {
  struct sockaddr_storage address;
  socklen_t size = address_of(&address, family, port);
  int fd = socket(family, type, 0), on = 1;
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (port == 0 || bind(fd, (struct sockaddr *)&address, size) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int connect_to(int fd, int family, int port) {
  struct sockaddr_storage address;
  socklen_t size = address_of(&address, family, port);
  return connect(fd, (struct sockaddr *)&address, size);
}

static const char *address_text(const struct sockaddr_storage *address) {
  char host[INET6_ADDRSTRLEN] = "";
  if (address->ss_family == AF_INET) {
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    return text("%s:%d", inet_ntop(AF_INET, &four->sin_addr, host, sizeof host), ntohs(four->sin_port));
  }
  const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
  return text("[%s]:%d", inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host), ntohs(six->sin6_port));
}

void tell_addresses(const char *name, int fd) {
  struct sockaddr_storage local, remote;
  socklen_t size = sizeof local;
  if (getsockname(fd, (struct sockaddr *)&local, &size)) tell_number(text("%s.local", name), -1);
  else tell(text("%s.local", name), "%s", address_text(&local));
  size = sizeof remote;
  if (getpeername(fd, (struct sockaddr *)&remote, &size)) tell_number(text("%s.remote", name), -1);
  else tell(text("%s.remote", name), "%s", address_text(&remote));
}

static struct sockaddr_storage group_address(int family, const char *host) {
  struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
  inet_pton(family, host,
            family == AF_INET ? (void *)&((struct sockaddr_in *)&address)->sin_addr
                              : (void *)&((struct sockaddr_in6 *)&address)->sin6_addr);
  return address;
}

static int level_of(int family) { return family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6; }

bool join_group(const char *name, int fd, int family, int option, const char *group, const char *source) {
  struct group_source_req request = {.gsr_interface = lo, .gsr_group = group_address(family, group)};
  struct group_req plain = {.gr_interface = lo, .gr_group = request.gsr_group};
  if (source) request.gsr_source = group_address(family, source);
  if (source) return given(name, setsockopt(fd, level_of(family), option, &request, sizeof request));
  return given(name, setsockopt(fd, level_of(family), option, &plain, sizeof plain));
}

void tell_membership(const char *name, int fd, int family, const char *group) {
  char room[GROUP_FILTER_SIZE(8)];
  struct group_filter *filter = (struct group_filter *)room;
  socklen_t size = sizeof room;
  memset(room, 0, sizeof room);
  filter->gf_interface = lo;
  filter->gf_group = group_address(family, group);
  filter->gf_numsrc = 8;
  if (getsockopt(fd, level_of(family), MCAST_MSFILTER, filter, &size)) {
    tell_number(name, -1);
    return;
  }
  char sources[8 * 64] = "";
  for (unsigned i = 0; i < filter->gf_numsrc && i < 8; i++) strcat(strcat(sources, " "), address_text(&filter->gf_slist[i]));
  tell(name, "%s%s", filter->gf_fmode == MCAST_INCLUDE ? "include" : "exclude", sources);
}
