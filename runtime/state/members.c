#define _GNU_SOURCE
#include "state.h"
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST_SOURCES = 64 };

union filter {
  struct group_filter it;
  char bytes[GROUP_FILTER_SIZE(MOST_SOURCES)];
};

/** Writes the group, where this socket itself is a member. */
static void save_group(const struct socket *socket, int level, unsigned interface, const char *name,
                       const union address *group, FILE *to) {
  union filter filter;
  char text[INET6_ADDRSTRLEN];
  socklen_t length = sizeof filter;
  memset(&filter, 0, sizeof filter);
  filter.it.gf_interface = interface;
  filter.it.gf_group = group->storage;
  filter.it.gf_numsrc = MOST_SOURCES;
  if (getsockopt(socket->fd, level, MCAST_MSFILTER, &filter, &length)) return;
  fprintf(to, "member %d %s %u %s", level, name, filter.it.gf_fmode, address_text(group, text));
  for (unsigned i = 0; i < filter.it.gf_numsrc && i < MOST_SOURCES; i++) {
    union address source = {.storage = filter.it.gf_slist[i]};
    fprintf(to, " %s", address_text(&source, text));
  }
  fputc('\n', to);
}

/** The groups of the container, of whichever socket. The kernel lists them as it holds them: an IPv4 address as a number of this machine. */
static void save_v4(const struct socket *socket, FILE *to) {
  FILE *groups = fopen("/proc/thread-self/net/igmp", "re");
  char line[256], name[IF_NAMESIZE + 1] = "";
  unsigned interface = 0, address;
  while (groups && fgets(line, sizeof line, groups)) {
    if (line[0] != '\t' && sscanf(line, "%u %16s", &interface, name) == 2) continue;
    if (sscanf(line, "\t\t\t\t%x", &address) != 1) continue;
    union address group = {.v4 = {.sin_family = AF_INET, .sin_addr.s_addr = address}};
    save_group(socket, SOL_IP, interface, name, &group, to);
  }
  if (groups) fclose(groups);
}

static void save_v6(const struct socket *socket, FILE *to) {
  FILE *groups = fopen("/proc/thread-self/net/igmp6", "re");
  char line[256], name[IF_NAMESIZE + 1], address[40];
  unsigned interface;
  while (groups && fgets(line, sizeof line, groups)) {
    union address group = {.v6 = {.sin6_family = AF_INET6}};
    if (sscanf(line, "%u %16s %39s", &interface, name, address) != 3 || hex_read(address, &group.v6.sin6_addr, 16) != 16) continue;
    save_group(socket, SOL_IPV6, interface, name, &group, to);
  }
  if (groups) fclose(groups);
}

void members_save(const struct socket *socket, FILE *to) {
  if ((socket->domain != AF_INET && socket->domain != AF_INET6) || socket->type == SOCK_STREAM) return;
  save_v4(socket, to);
  if (socket->domain == AF_INET6) save_v6(socket, to);
}

/** The address as it stands in the structures of the kernel. @returns whether it is one */
static int read_address(const char *text, struct sockaddr_storage *to) {
  union address address;
  int is_read = address_read(text, &address);
  *to = address.storage;
  return is_read;
}

int members_restore(const struct socket *socket, const char *line) {
  int level, mode, begin = 0;
  char name[IF_NAMESIZE + 1], group[64], text[64];
  union filter filter;
  if (sscanf(line, "member %d %16s %d %63s%n", &level, name, &mode, group, &begin) != 4) return 0;
  memset(&filter, 0, sizeof filter);
  filter.it.gf_interface = if_nametoindex(name);
  filter.it.gf_fmode = (uint32_t)mode;
  int is_read = read_address(group, &filter.it.gf_group);
  const char *rest = line + begin;
  for (int used; is_read && filter.it.gf_numsrc < MOST_SOURCES && sscanf(rest, " %63s%n", text, &used) == 1; rest += used)
    is_read = read_address(text, &filter.it.gf_slist[filter.it.gf_numsrc++]);
  struct group_req join = {.gr_interface = filter.it.gf_interface, .gr_group = filter.it.gf_group};
  errno = EINVAL;
  int failed = !is_read || (setsockopt(socket->fd, level, MCAST_JOIN_GROUP, &join, sizeof join) && errno != EADDRINUSE);
  // A member without a filter gets everything: the kernel's mode "exclude", of no source.
  if (!failed && (mode != MCAST_EXCLUDE || filter.it.gf_numsrc > 0))
    failed = setsockopt(socket->fd, level, MCAST_MSFILTER, &filter, GROUP_FILTER_SIZE(filter.it.gf_numsrc));
  if (failed)
    lost("socket %d of process %d is no member of the multicast group %s on %s any more: %s", socket->number, socket->process, group, name,
         join.gr_interface ? strerror(errno) : "there is no such interface");
  return 1;
}
