#define _GNU_SOURCE
#include "state.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_BYTES = 65536 };

static int is_udp(const struct socket *socket) {
  return (socket->domain == AF_INET || socket->domain == AF_INET6) && socket->type == SOCK_DGRAM && socket->protocol == IPPROTO_UDP;
}

static void take_destination(struct msghdr *message, union address *to) {
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
    union address found = {.v4 = {.sin_family = AF_INET}};
    if (part->cmsg_level == SOL_IP && part->cmsg_type == IP_PKTINFO) {
      memcpy(&found.v4.sin_addr, CMSG_DATA(part) + offsetof(struct in_pktinfo, ipi_addr), sizeof found.v4.sin_addr);
    } else if (part->cmsg_level == SOL_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      found.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
      memcpy(&found.v6.sin6_addr, CMSG_DATA(part) + offsetof(struct in6_pktinfo, ipi6_addr), sizeof found.v6.sin6_addr);
    } else continue;
    *to = address_plain(&found);
  }
}

/** Looks at all of them; they stay in the queue. */
static void peek_all(const struct socket *socket, FILE *to) {
  static char data[MOST_BYTES], control[512];
  for (;;) {
    char text[INET6_ADDRSTRLEN];
    union address name = {0}, destination = {0};
    struct iovec part = {data, sizeof data};
    struct msghdr message = {&name, sizeof name, &part, 1, control, sizeof control, 0};
    ssize_t got = recvmsg(socket->fd, &message, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0) return;
    union address from = address_plain(&name);
    take_destination(&message, &destination);
    if (message.msg_flags & MSG_TRUNC || destination.any.sa_family != from.any.sa_family) continue;
    fprintf(to, "datagram %s %d ", address_text(&from, text), ntohs(from.v4.sin_port));
    fprintf(to, "%s ", address_text(&destination, text));
    hex_write(to, data, (size_t)got);
    fputc('\n', to);
  }
}

void datagrams_save(const struct socket *socket, FILE *to) {
  int off = 0, on = 1, peek = -1, info4 = 0, info6 = 0;
  socklen_t length = sizeof(int);
  struct pollfd queue = {.fd = socket->fd, .events = POLLIN};
  if (!is_udp(socket) || poll(&queue, 1, 0) < 1 || getsockopt(socket->fd, SOL_SOCKET, SO_PEEK_OFF, &peek, &length)) return;
  // To where each came tells only an option, which the socket gets for a moment. So does the place of the next look.
  length = sizeof(int);
  getsockopt(socket->fd, SOL_IP, IP_PKTINFO, &info4, &length);
  length = sizeof(int);
  getsockopt(socket->fd, SOL_IPV6, IPV6_RECVPKTINFO, &info6, &length);
  setsockopt(socket->fd, SOL_IP, IP_PKTINFO, &on, sizeof on);
  if (socket->domain == AF_INET6) setsockopt(socket->fd, SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  if (!setsockopt(socket->fd, SOL_SOCKET, SO_PEEK_OFF, &off, sizeof off)) peek_all(socket, to);
  setsockopt(socket->fd, SOL_SOCKET, SO_PEEK_OFF, &peek, sizeof peek);
  setsockopt(socket->fd, SOL_IP, IP_PKTINFO, &info4, sizeof info4);
  if (socket->domain == AF_INET6) setsockopt(socket->fd, SOL_IPV6, IPV6_RECVPKTINFO, &info6, sizeof info6);
}

static uint32_t sum(const void *bytes, size_t count, uint32_t total) {
  const unsigned char *at = bytes;
  for (size_t i = 0; i < count; i++) total += i % 2 ? at[i] : (uint32_t)at[i] << 8;
  return total;
}

static uint16_t folded(uint32_t total) {
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return htons((uint16_t)~total);
}

static int send_packet(const union address *from, const union address *to, const char *data, size_t bytes) {
  static char packet[MOST_BYTES + sizeof(struct ip6_hdr) + sizeof(struct udphdr)];
  int is_v4 = to->any.sa_family == AF_INET;
  const void *source = is_v4 ? (const void *)&from->v4.sin_addr : &from->v6.sin6_addr;
  const void *destination = is_v4 ? (const void *)&to->v4.sin_addr : &to->v6.sin6_addr;
  size_t address = is_v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
  size_t header = is_v4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr), length = sizeof(struct udphdr) + bytes;
  // The port stands at the same place in both families.
  struct udphdr udp = {.source = from->v4.sin_port, .dest = to->v4.sin_port, .len = htons((uint16_t)length)};
  memcpy(packet + header + sizeof udp, data, bytes);
  uint32_t total = sum(source, address, sum(destination, address, IPPROTO_UDP + (uint32_t)length));
  udp.check = folded(sum(data, bytes, sum(&udp, sizeof udp, total)));
  // 0 would mean that there is none.
  if (udp.check == 0) udp.check = 0xffff;
  memcpy(packet + header, &udp, sizeof udp);
  if (is_v4) {
    struct iphdr ip = {.version = 4, .ihl = 5, .tot_len = htons((uint16_t)(header + length)), .ttl = 64, .protocol = IPPROTO_UDP};
    ip.saddr = from->v4.sin_addr.s_addr;
    ip.daddr = to->v4.sin_addr.s_addr;
    memcpy(packet, &ip, sizeof ip);
  } else {
    struct ip6_hdr ip = {.ip6_flow = htonl(6U << 28), .ip6_plen = htons((uint16_t)length), .ip6_nxt = IPPROTO_UDP, .ip6_hlim = 64};
    ip.ip6_src = from->v6.sin6_addr;
    ip.ip6_dst = to->v6.sin6_addr;
    memcpy(packet, &ip, sizeof ip);
  }
  // A raw socket takes no port.
  union address name = *to;
  name.v4.sin_port = 0;
  int raw = socket(to->any.sa_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  ssize_t sent = raw < 0 ? -1 : sendto(raw, packet, header + length, 0, &name.any, address_length(&name));
  int error = errno;
  if (raw >= 0) close(raw);
  errno = error;
  return sent == (ssize_t)(header + length);
}

/** Whether this namespace has the address itself: a packet to another one would leave it. */
static int is_local(const union address *address) {
  if (address->any.sa_family == AF_INET ? IN_MULTICAST(ntohl(address->v4.sin_addr.s_addr)) : IN6_IS_ADDR_MULTICAST(&address->v6.sin6_addr)) return 0;
  union address name = *address;
  name.v4.sin_port = 0;
  int probe = socket(name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  int bound = probe >= 0 && !bind(probe, &name.any, address_length(&name));
  if (probe >= 0) close(probe);
  return bound;
}

int datagrams_restore(const struct socket *socket, const char *line) {
  static char data[MOST_BYTES];
  char source[64], destination[64];
  int begin = 0, port;
  union address from, to, own;
  if (sscanf(line, "datagram %63s %d %63s %n", source, &port, destination, &begin) != 3 || !begin) return 0;
  ssize_t bytes = hex_read(line + begin, data, sizeof data);
  socklen_t length = sizeof own;
  int is_read = bytes >= 0 && address_read(source, &from) && address_read(destination, &to) && !getsockname(socket->fd, &own.any, &length);
  if (is_read) {
    from.v4.sin_port = htons((uint16_t)port);
    to.v4.sin_port = own.v4.sin_port;
  }
  errno = EADDRNOTAVAIL;
  if (!is_read || !is_local(&to) || !send_packet(&from, &to, data, (size_t)bytes))
    lost("a datagram from %s, which process %d has not read from its socket %d: %s", source, socket->process, socket->number, strerror(errno));
  return 1;
}
