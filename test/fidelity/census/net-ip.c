/* ip(7), ipv6(7), raw(7) and multicast groups. */
#include "census.h"
#include <netinet/in.h>

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in6.h>

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef IPV6_RECVERR_RFC4884
#define IPV6_RECVERR_RFC4884 31
#endif
#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif
#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#ifndef IPV6_RECVFRAGSIZE
#define IPV6_RECVFRAGSIZE 77
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#ifndef IPV6_ORIGDSTADDR
#define IPV6_ORIGDSTADDR 74
#endif
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
#ifndef ICMP6_FILTER
#define ICMP6_FILTER 1
#endif

static const struct option four[] = {
    NUMBER(IPPROTO_IP, IP_TOS, 0x10),
    NUMBER(IPPROTO_IP, IP_TTL, 33),
    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO),
    NUMBER(IPPROTO_IP, IP_RECVTTL, 1),
    NUMBER(IPPROTO_IP, IP_RECVTOS, 1),
    NUMBER(IPPROTO_IP, IP_RECVOPTS, 1),
    NUMBER(IPPROTO_IP, IP_RETOPTS, 1),
    NUMBER(IPPROTO_IP, IP_PKTINFO, 1),
    NUMBER(IPPROTO_IP, IP_RECVERR, 1),
    NUMBER(IPPROTO_IP, IP_RECVERR_RFC4884, 1),
    NUMBER(IPPROTO_IP, IP_RECVORIGDSTADDR, 1),
    NUMBER(IPPROTO_IP, IP_RECVFRAGSIZE, 1),
    NUMBER(IPPROTO_IP, IP_CHECKSUM, 1),
    NUMBER(IPPROTO_IP, IP_PASSSEC, 1),
    NUMBER(IPPROTO_IP, IP_FREEBIND, 1),
    NUMBER(IPPROTO_IP, IP_TRANSPARENT, 1),
    NUMBER(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1),
    NUMBER(IPPROTO_IP, IP_LOCAL_PORT_RANGE, (int)(22200u << 16 | 22100u)),
    {"IP_UNICAST_IF", IPPROTO_IP, IP_UNICAST_IF, IP_UNICAST_IF, sizeof(int), &(const int){0x01000000}, 'n'},
    NUMBER(IPPROTO_IP, IP_MULTICAST_TTL, 9),
    NUMBER(IPPROTO_IP, IP_MULTICAST_LOOP, 0),
    NUMBER(IPPROTO_IP, IP_MULTICAST_ALL, 0),
    {"IP_MULTICAST_IF", IPPROTO_IP, IP_MULTICAST_IF, IP_MULTICAST_IF, 4, "\x7f\0\0\1", 'x'},
    {"IP_OPTIONS", IPPROTO_IP, IP_OPTIONS, IP_OPTIONS, 8, "\x94\4\0\0\1\1\1\0", 'x'},
};
/* IP_MINTTL and IP_TOS act on a stream in other places of the kernel. */
static const struct option four_stream[] = {NUMBER(IPPROTO_IP, IP_MINTTL, 2),     NUMBER(IPPROTO_IP, IP_TOS, 0x28),
                                            NUMBER(IPPROTO_IP, IP_TTL, 44),       NUMBER(IPPROTO_IP, IP_FREEBIND, 1),
                                            NUMBER(IPPROTO_IP, IP_RECVTOS, 1),    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE),
                                            NUMBER(IPPROTO_IP, IP_TRANSPARENT, 1)};
static const struct option six[] = {
    NUMBER(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 34),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 8),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_IF, 1),
    NUMBER(IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0),
    NUMBER(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE),
    NUMBER(IPPROTO_IPV6, IPV6_RECVERR, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVERR_RFC4884, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVRTHDR, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVTCLASS, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVPATHMTU, 1),
    NUMBER(IPPROTO_IPV6, IPV6_ORIGDSTADDR, 1),
    NUMBER(IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1),
    NUMBER(IPPROTO_IPV6, IPV6_FLOWINFO, 1),
    NUMBER(IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1),
    NUMBER(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 0),
    NUMBER(IPPROTO_IPV6, IPV6_TCLASS, 0x20),
    NUMBER(IPPROTO_IPV6, IPV6_DONTFRAG, 1),
    NUMBER(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, IPV6_PREFER_SRC_PUBLIC),
    NUMBER(IPPROTO_IPV6, IPV6_MINHOPCOUNT, 2),
    {"IPV6_UNICAST_IF", IPPROTO_IPV6, IPV6_UNICAST_IF, IPV6_UNICAST_IF, sizeof(int), &(const int){0x01000000}, 'n'},
    NUMBER(IPPROTO_IPV6, IPV6_FREEBIND, 1),
    NUMBER(IPPROTO_IPV6, IPV6_TRANSPARENT, 1),
    {"IPV6_HOPOPTS", IPPROTO_IPV6, IPV6_HOPOPTS, IPV6_HOPOPTS, 8, "\0\0\1\4\0\0\0\0", 'x'},
    {"IPV6_DSTOPTS", IPPROTO_IPV6, IPV6_DSTOPTS, IPV6_DSTOPTS, 8, "\0\0\1\4\0\0\0\0", 'x'},
};
static const struct option six_stream[] = {NUMBER(IPPROTO_IPV6, IPV6_V6ONLY, 1), NUMBER(IPPROTO_IPV6, IPV6_TCLASS, 0x24),
                                           NUMBER(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 35), NUMBER(IPPROTO_IPV6, IPV6_FREEBIND, 1)};
static const struct option raw4[] = {NUMBER(IPPROTO_IP, IP_NODEFRAG, 1),
                                     /* Nearly nothing passes, so that nobody's packets wait here. */
                                     {"ICMP_FILTER", SOL_RAW, ICMP_FILTER, ICMP_FILTER, 4, "\xff\xff\xff\x7f", 'x'},
                                     NUMBER(IPPROTO_IP, IP_TTL, 55),
                                     NUMBER(SOL_SOCKET, SO_RCVBUF, 20000)};
static const struct option raw4_header[] = {NUMBER(IPPROTO_IP, IP_HDRINCL, 1)};
static const struct option raw6[] = {{"ICMP6_FILTER", IPPROTO_ICMPV6, ICMP6_FILTER, ICMP6_FILTER, 32,
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
                                      'x'}};
static const struct option raw6_checksum[] = {NUMBER(IPPROTO_IPV6, IPV6_CHECKSUM, 2)};

static int udp4, tcp4, udp6, tcp6, raws[4], ping;

static void give_ip(void) {
  udp4 = hold("ip.udp", bound_socket(AF_INET, SOCK_DGRAM, 20050));
  tcp4 = hold("ip.tcp", bound_socket(AF_INET, SOCK_STREAM, 20051));
  give_options("ip", udp4, four, COUNT(four));
  give_options("ip.tcp", tcp4, four_stream, COUNT(four_stream));
}

static void tell_ip(void) {
  tell_options("ip", udp4, four, COUNT(four));
  tell_options("ip.tcp", tcp4, four_stream, COUNT(four_stream));
}

static void give_ipv6(void) {
  udp6 = hold("ipv6.udp", bound_socket(AF_INET6, SOCK_DGRAM, 0));
  tcp6 = hold("ipv6.tcp", socket(AF_INET6, SOCK_STREAM, 0));
  give_options("ipv6", udp6, six, COUNT(six));
  give_options("ipv6.tcp", tcp6, six_stream, COUNT(six_stream));
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(20052)};
  given("ipv6.bound.local", bind(tcp6, (struct sockaddr *)&any, sizeof any));
}

static void tell_ipv6(void) {
  tell_options("ipv6", udp6, six, COUNT(six));
  tell_options("ipv6.tcp", tcp6, six_stream, COUNT(six_stream));
  tell_addresses("ipv6.bound", tcp6);
}

static int member[4];

static void give_multicast(void) {
  for (int i = 0; i < 3; i++) member[i] = hold(text("multicast.%d", i), bound_socket(AF_INET, SOCK_DGRAM, 20060 + i));
  member[3] = hold("multicast.six", bound_socket(AF_INET6, SOCK_DGRAM, 20063));
  join_group("multicast.any_source", member[0], AF_INET, MCAST_JOIN_GROUP, "239.1.2.3", NULL);
  join_group("multicast.source", member[1], AF_INET, MCAST_JOIN_SOURCE_GROUP, "232.1.2.3", "127.0.0.1");
  if (join_group("multicast.blocked", member[2], AF_INET, MCAST_JOIN_GROUP, "239.1.2.4", NULL))
    join_group("multicast.blocked", member[2], AF_INET, MCAST_BLOCK_SOURCE, "239.1.2.4", "127.0.0.9");
  join_group("multicast.ipv6", member[3], AF_INET6, MCAST_JOIN_GROUP, "ff15::1234", NULL);
  given("multicast.ipv6_anycast",
        setsockopt(member[3], IPPROTO_IPV6, IPV6_JOIN_ANYCAST, &(struct ipv6_mreq){IN6ADDR_LOOPBACK_INIT, 1}, sizeof(struct ipv6_mreq)));
}

static void tell_multicast(void) {
  tell_membership("multicast.any_source", member[0], AF_INET, "239.1.2.3");
  tell_membership("multicast.source", member[1], AF_INET, "232.1.2.3");
  tell_membership("multicast.blocked", member[2], AF_INET, "239.1.2.4");
  tell_membership("multicast.ipv6", member[3], AF_INET6, "ff15::1234");
  tell("multicast.ipv6_anycast", "%s", strstr(file_text("/proc/net/anycast6"), "00000000000000000000000000000001") ? "joined" : "none");
}

static void give_raw(void) {
  raws[0] = hold("raw.icmp", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  raws[1] = hold("raw.header", socket(AF_INET, SOCK_RAW, 253));
  raws[2] = hold("raw.icmp6", socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  raws[3] = hold("raw.six", socket(AF_INET6, SOCK_RAW, 253));
  give_options("raw", raws[0], raw4, COUNT(raw4));
  give_options("raw.header", raws[1], raw4_header, COUNT(raw4_header));
  give_options("raw.six", raws[2], raw6, COUNT(raw6));
  give_options("raw.six", raws[3], raw6_checksum, COUNT(raw6_checksum));
}

static void tell_raw(void) {
  tell_options("raw", raws[0], raw4, COUNT(raw4));
  tell_options("raw.header", raws[1], raw4_header, COUNT(raw4_header));
  tell_options("raw.six", raws[2], raw6, COUNT(raw6));
  tell_options("raw.six", raws[3], raw6_checksum, COUNT(raw6_checksum));
}

static void give_ping(void) {
  ping = hold("ping.socket", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
  given("ping.ident.local",
        bind(ping, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(4321)}, sizeof(struct sockaddr_in)));
}

static void tell_ping(void) { tell_addresses("ping.ident", ping); }

const struct area ip_areas[] = {
    {"ip", give_ip, tell_ip, false, false, "options of ip(7)"},
    {"ipv6", give_ipv6, tell_ipv6, false, false, "options of ipv6(7)"},
    {"multicast", give_multicast, tell_multicast, false, false, "groups of multicast and their sources"},
    {"raw", give_raw, tell_raw, false, false, "raw(7), needs CAP_NET_RAW"},
    {"ping", give_ping, tell_ping, false, false, "echo sockets without CAP_NET_RAW"},
    {0},
};
