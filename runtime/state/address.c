#include "state.h"
#include <arpa/inet.h>
#include <string.h>

const char *address_text(const union address *address, char *text) {
  const void *at = address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr : (const void *)&address->v6.sin6_addr;
  return inet_ntop(address->any.sa_family, at, text, INET6_ADDRSTRLEN);
}

int address_read(const char *text, union address *to) {
  memset(to, 0, sizeof *to);
  to->any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
  void *at = to->any.sa_family == AF_INET ? (void *)&to->v4.sin_addr : (void *)&to->v6.sin6_addr;
  return inet_pton(to->any.sa_family, text, at) == 1;
}

socklen_t address_length(const union address *address) {
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

union address address_plain(const union address *address) {
  if (address->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->v6.sin6_addr)) return *address;
  union address plain = {.v4 = {.sin_family = AF_INET, .sin_port = address->v6.sin6_port}};
  memcpy(&plain.v4.sin_addr, &address->v6.sin6_addr.s6_addr[12], sizeof plain.v4.sin_addr);
  return plain;
}
