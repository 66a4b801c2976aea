/* tcp(7): options before and after a connection, queues, states, backlogs. */
#include "census.h"
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#define TCP_RTO_MIN_US 45
#define TCP_DELACK_MAX_US 46
#endif

static const struct option connected[] = {
    NUMBER(IPPROTO_TCP, TCP_NODELAY, 1),
    NUMBER(IPPROTO_TCP, TCP_KEEPIDLE, 111),
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL, 22),
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT, 5),
    NUMBER(IPPROTO_TCP, TCP_SYNCNT, 3),
    NUMBER(IPPROTO_TCP, TCP_LINGER2, 17),
    NUMBER(IPPROTO_TCP, TCP_WINDOW_CLAMP, 40000),
    NUMBER(IPPROTO_TCP, TCP_USER_TIMEOUT, 123456),
    NUMBER(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1),
    NUMBER(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384),
    NUMBER(IPPROTO_TCP, TCP_INQ, 1),
    NUMBER(IPPROTO_TCP, TCP_TX_DELAY, 1),
    NUMBER(IPPROTO_TCP, TCP_RTO_MAX_MS, 50000),
    NUMBER(IPPROTO_TCP, TCP_RTO_MIN_US, 100000),
    NUMBER(IPPROTO_TCP, TCP_DELACK_MAX_US, 30000),
    TEXT(IPPROTO_TCP, TCP_CONGESTION, "reno"),
    NUMBER(SOL_SOCKET, SO_KEEPALIVE, 1),
    NUMBER(SOL_SOCKET, SO_MARK, 66),
    NUMBER(SOL_SOCKET, SO_MAX_PACING_RATE, 2000000),
    NUMBER(SOL_SOCKET, SO_RCVLOWAT, 2),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPNS, 1),
    NUMBER(IPPROTO_IP, IP_TOS, 0x10),
    /* After IP_TOS, which sets a priority too. */
    NUMBER(SOL_SOCKET, SO_PRIORITY, 4),
    NUMBER(IPPROTO_IP, IP_TTL, 66),
    NUMBER(IPPROTO_IP, IP_RECVTOS, 1),
    NUMBER(IPPROTO_IP, IP_MINTTL, 3),
    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE),
};
static const struct option before_connect[] = {
    NUMBER(IPPROTO_TCP, TCP_MAXSEG, 1000),        NUMBER(IPPROTO_TCP, TCP_CORK, 1),
    NUMBER(SOL_SOCKET, SO_RCVBUF, 60000),         NUMBER(SOL_SOCKET, SO_SNDBUF, 70000),
    NUMBER(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), NUMBER(IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1)};
static const struct option listening[] = {
    NUMBER(IPPROTO_TCP, TCP_DEFER_ACCEPT, 20),
    NUMBER(IPPROTO_TCP, TCP_FASTOPEN, 12),
    NUMBER(IPPROTO_TCP, TCP_SAVE_SYN, 1),
    NUMBER(IPPROTO_TCP, TCP_NODELAY, 1),
    NUMBER(IPPROTO_TCP, TCP_KEEPIDLE, 112),
    NUMBER(IPPROTO_TCP, TCP_USER_TIMEOUT, 4567),
    NUMBER(IPPROTO_TCP, TCP_MAXSEG, 900),
    TEXT(IPPROTO_TCP, TCP_CONGESTION, "reno"),
    {"TCP_FASTOPEN_KEY", IPPROTO_TCP, TCP_FASTOPEN_KEY, TCP_FASTOPEN_KEY, 16, "0123456789abcdef", 'x'},
    NUMBER(IPPROTO_IP, IP_TOS, 8),
    NUMBER(SOL_SOCKET, SO_KEEPALIVE, 1),
    NUMBER(SOL_SOCKET, SO_REUSEPORT, 1),
};

struct pair {
  int client, server;
};

static int plain_listener, option_listener, unconnected, six_listener;
static struct pair plain, cork, closing, six;

static struct pair connect_pair(const char *name, int listener, int family, int from, int to, int client) {
  struct pair pair = {client >= 0 ? client : bound_socket(family, SOCK_STREAM, from), -1};
  if (!given(name, connect_to(pair.client, family, to))) return pair;
  pair.server = accept(listener, NULL, NULL);
  hold(text("%s.client", name), pair.client);
  hold(text("%s.server", name), pair.server);
  return pair;
}

static void give_tcp(void) {
  plain_listener = hold("tcp.listener", bound_socket(AF_INET, SOCK_STREAM, 20100));
  listen(plain_listener, 7);
  option_listener = hold("tcp.listener_with_options", bound_socket(AF_INET, SOCK_STREAM, 20101));
  listen(option_listener, 9);
  give_options("tcp.listener", option_listener, listening, COUNT(listening));
  hold("tcp.bound", bound_socket(AF_INET, SOCK_STREAM, 20102));
  plain = connect_pair("tcp.pair", plain_listener, AF_INET, 20110, 20100, -1);
  give_options("tcp", plain.server, connected, COUNT(connected));
  int early = bound_socket(AF_INET, SOCK_STREAM, 20111);
  give_options("tcp.early", early, before_connect, COUNT(before_connect) - 2);
  cork = connect_pair("tcp.cork", plain_listener, AF_INET, 0, 20100, early);
  unconnected = hold("tcp.unconnected", bound_socket(AF_INET, SOCK_STREAM, 0));
  give_options("tcp.early", unconnected, before_connect + COUNT(before_connect) - 2, 2);
  closing = connect_pair("tcp.half_closed", plain_listener, AF_INET, 20112, 20100, -1);
  given("tcp.unread", send(plain.client, "to the server", 13, 0));
  send(plain.server, "to the client", 13, 0);
  send(closing.client, "last words", 10, 0);
  given("tcp.half_closed", shutdown(closing.client, SHUT_WR));
  six_listener = hold("tcp.six_listener", bound_socket(AF_INET6, SOCK_STREAM, 20103));
  listen(six_listener, 4);
  /* An IPv4 client of an IPv6 socket: works without any IPv6 address. */
  six = connect_pair("tcp.mapped", six_listener, AF_INET, 20113, 20103, -1);
  send(six.client, "mapped", 6, 0);
  usleep(100 * 1000);
}

static void tell_info(const char *name, int fd) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size)) {
    tell_number(text("%s.state", name), -1);
    return;
  }
  tell_number(text("%s.state", name), info.tcpi_state);
  if (info.tcpi_state == 10) {
    tell_number(text("%s.backlog", name), info.tcpi_sacked);
    return;
  }
  tell(text("%s.negotiated", name), "options %#x, scales %u %u, mss %u", info.tcpi_options & 0x3f, info.tcpi_snd_wscale,
       info.tcpi_rcv_wscale, info.tcpi_snd_mss);
}

static void tell_pair(const char *name, struct pair pair) {
  int count = -1;
  tell_addresses(text("%s.client", name), pair.client);
  tell_addresses(text("%s.server", name), pair.server);
  tell_info(text("%s.client", name), pair.client);
  tell_info(text("%s.server", name), pair.server);
  tell_number(text("%s.client.unacknowledged", name), ioctl(pair.client, SIOCOUTQ, &count) ? -1 : count);
  tell_queue(text("%s.client", name), pair.client);
  tell_queue(text("%s.server", name), pair.server);
}

static void tell_tcp(void) {
  tell_options("tcp", plain.server, connected, COUNT(connected));
  tell_options("tcp.early", cork.client, before_connect, COUNT(before_connect) - 2);
  tell_options("tcp.early", unconnected, before_connect + COUNT(before_connect) - 2, 2);
  tell_options("tcp.listener", option_listener, listening, COUNT(listening));
  tell_info("tcp.listener", plain_listener);
  tell_info("tcp.listener_with_options", option_listener);
  tell_info("tcp.six_listener", six_listener);
  tell_pair("tcp.pair", plain);
  tell_pair("tcp.cork", cork);
  tell_pair("tcp.half_closed", closing);
  tell_pair("tcp.mapped", six);
}

static int urgent_listener, secret_listener, flight_listener;
static struct pair urgent;

static void give_urgent(void) {
  listen(urgent_listener = bound_socket(AF_INET, SOCK_STREAM, 20120), 1);
  urgent = connect_pair("tcp-urgent.pair", urgent_listener, AF_INET, 20121, 20120, -1);
  send(urgent.client, "!", 1, MSG_OOB);
  given("tcp-urgent.byte", send(urgent.client, "after", 5, 0));
  usleep(50 * 1000);
}

static void tell_urgent(void) {
  int mark = -1;
  char byte = 0;
  tell_number("tcp-urgent.mark", ioctl(urgent.server, SIOCATMARK, &mark) ? -1 : mark);
  ssize_t got = recv(urgent.server, &byte, 1, MSG_OOB | MSG_DONTWAIT | MSG_PEEK);
  if (got < 0) tell_number("tcp-urgent.byte", -1);
  else tell_bytes("tcp-urgent.byte", &byte, (size_t)got);
}

static void give_signed(void) {
  struct tcp_md5sig key = {.tcpm_keylen = 6, .tcpm_key = "secret"};
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000009)};
  memcpy(&key.tcpm_addr, &peer, sizeof peer);
  secret_listener = hold("tcp-md5.listener", bound_socket(AF_INET, SOCK_STREAM, 20122));
  given("tcp-md5.key", setsockopt(secret_listener, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key));
  listen(secret_listener, 1);
}

/* The kernel has no call that reads a key; a SYN of the peer without one is refused. */
static void tell_signed(void) {
  int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000009)};
  bind(client, (struct sockaddr *)&from, sizeof from);
  connect_to(client, AF_INET, 20122);
  usleep(100 * 1000);
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  tell("tcp-md5.key", "%s", getpeername(client, (struct sockaddr *)&peer, &size) ? "asked for" : "not asked for");
  close(client);
}

static void give_flight(void) {
  listen(flight_listener = hold("flight.listener", bound_socket(AF_INET, SOCK_STREAM, 20130)), 5);
  for (int i = 0; i < 3; i++) {
    int client = hold(text("flight.client_%d", i), bound_socket(AF_INET, SOCK_STREAM, 20131 + i));
    given("flight.waiting", connect_to(client, AF_INET, 20130));
    send(client, "early", 5, 0);
  }
}

static void tell_flight(void) {
  struct tcp_info info = {0};
  socklen_t size = sizeof info;
  tell_number("flight.waiting", getsockopt(flight_listener, IPPROTO_TCP, TCP_INFO, &info, &size) ? -1 : (long)info.tcpi_unacked);
  if (!draining) return;
  fcntl(flight_listener, F_SETFL, O_NONBLOCK);
  for (int i = 0; i < 3; i++) tell_queue(text("flight.server_%d", i), accept(flight_listener, NULL, NULL));
}

const struct area tcp_areas[] = {
    {"tcp", give_tcp, tell_tcp, false, false, "options of tcp(7), listeners, connections with unread data, half closed ones"},
    {"tcp-urgent", give_urgent, tell_urgent, false, false, "an urgent byte that was not read"},
    {"tcp-md5", give_signed, tell_signed, false, false, "keys of TCP_MD5SIG"},
    {"flight", give_flight, tell_flight, false, true, "connections that wait to be accepted; refused in the dump"},
    {0},
};
