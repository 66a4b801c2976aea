/* socket(7): options of every family, classic filters, groups of SO_REUSEPORT, owners. */
#include "census.h"
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

/* What the C library of Debian 12 does not name yet. */
#ifndef SO_RCVMARK
#define SO_RCVMARK 75
#endif
#ifndef SO_RCVPRIORITY
#define SO_RCVPRIORITY 82
#endif
#ifndef SO_INQ
#define SO_INQ 84
#endif

static const struct sock_txtime txtime = {CLOCK_MONOTONIC, SOF_TXTIME_REPORT_ERRORS};

static const struct option general[] = {
    NUMBER(SOL_SOCKET, SO_BROADCAST, 1),
    NUMBER(SOL_SOCKET, SO_DEBUG, 1),
    NUMBER(SOL_SOCKET, SO_DONTROUTE, 1),
    NUMBER(SOL_SOCKET, SO_KEEPALIVE, 1),
    NUMBER(SOL_SOCKET, SO_OOBINLINE, 1),
    BYTES(SOL_SOCKET, SO_LINGER, struct linger, {1, 7}),
    NUMBER(SOL_SOCKET, SO_PRIORITY, 5),
    NUMBER(SOL_SOCKET, SO_RCVLOWAT, 3),
    BYTES(SOL_SOCKET, SO_RCVTIMEO, struct timeval, {3, 0}),
    BYTES(SOL_SOCKET, SO_SNDTIMEO, struct timeval, {4, 0}),
    NUMBER(SOL_SOCKET, SO_RCVBUF, 30000),
    NUMBER(SOL_SOCKET, SO_SNDBUF, 40000),
    NUMBER(SOL_SOCKET, SO_BUF_LOCK, 1),
    NUMBER(SOL_SOCKET, SO_RXQ_OVFL, 1),
    NUMBER(SOL_SOCKET, SO_PEEK_OFF, 0),
    NUMBER(SOL_SOCKET, SO_MARK, 77),
    NUMBER(SOL_SOCKET, SO_NO_CHECK, 1),
    NUMBER(SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1),
    NUMBER(SOL_SOCKET, SO_BUSY_POLL, 50),
    NUMBER(SOL_SOCKET, SO_PREFER_BUSY_POLL, 1),
    NUMBER(SOL_SOCKET, SO_MAX_PACING_RATE, 1000000),
    NUMBER(SOL_SOCKET, SO_INCOMING_CPU, 0),
    NUMBER(SOL_SOCKET, SO_WIFI_STATUS, 1),
    NUMBER(SOL_SOCKET, SO_RCVMARK, 1),
    NUMBER(SOL_SOCKET, SO_RCVPRIORITY, 1),
    NUMBER(SOL_SOCKET, SO_ZEROCOPY, 1),
    {"SO_TXTIME", SOL_SOCKET, SO_TXTIME, SO_TXTIME, sizeof txtime, &txtime, 'x'},
    NUMBER(SOL_SOCKET, SO_TIMESTAMP, 1),
    NUMBER(SOL_SOCKET, SO_REUSEADDR, 1),
    NUMBER(SOL_SOCKET, SO_REUSEPORT, 1),
};
/* These exclude some of the others. */
static const struct option second[] = {
    NUMBER(SOL_SOCKET, SO_TIMESTAMPNS, 1),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE),
    {"SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE, SO_SNDBUF, sizeof(int), &(const int){9000000}, 'n'},
    {"SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, SO_RCVBUF, sizeof(int), &(const int){8000000}, 'n'},
};
static const struct option third[] = {NUMBER(SOL_SOCKET, SO_TIMESTAMP_NEW, 1), TEXT(SOL_SOCKET, SO_BINDTODEVICE, "lo")};
static const struct option fourth[] = {NUMBER(SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1), NUMBER(SOL_SOCKET, SO_BINDTOIFINDEX, 1)};
static const struct option stream[] = {
    NUMBER(SOL_SOCKET, SO_KEEPALIVE, 1), NUMBER(SOL_SOCKET, SO_OOBINLINE, 1),       BYTES(SOL_SOCKET, SO_LINGER, struct linger, {1, 9}),
    NUMBER(SOL_SOCKET, SO_TXREHASH, 0),  NUMBER(SOL_SOCKET, SO_RESERVE_MEM, 65536), NUMBER(SOL_SOCKET, SO_ZEROCOPY, 1),
    NUMBER(SOL_SOCKET, SO_RCVLOWAT, 5),  NUMBER(SOL_SOCKET, SO_BUSY_POLL, 20)};

static int sockets[5];

static void give_socket(void) {
  for (int i = 0; i < 4; i++) sockets[i] = hold(text("socket.%d", i), bound_socket(AF_INET, SOCK_DGRAM, 20000 + i));
  sockets[4] = hold("socket.stream", bound_socket(AF_INET, SOCK_STREAM, 0));
  setsockopt(sockets[0], SOL_SOCKET, SO_REUSEADDR, &(int){0}, sizeof(int));
  give_options("socket", sockets[0], general, COUNT(general));
  give_options("socket", sockets[1], second, COUNT(second));
  give_options("socket", sockets[2], third, COUNT(third));
  give_options("socket", sockets[3], fourth, COUNT(fourth));
  give_options("socket.stream", sockets[4], stream, COUNT(stream));
}

static void tell_socket(void) {
  tell_options("socket", sockets[0], general, COUNT(general));
  tell_options("socket", sockets[1], second, COUNT(second));
  tell_options("socket", sockets[2], third, COUNT(third));
  tell_options("socket", sockets[3], fourth, COUNT(fourth));
  tell_options("socket.stream", sockets[4], stream, COUNT(stream));
  tell_addresses("socket.address", sockets[0]);
}

/* Accepts datagrams that begin with 'y'. */
static struct sock_filter program[] = {{BPF_LD | BPF_B | BPF_ABS, 0, 0, 8},
                                       {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 'y'},
                                       {BPF_RET | BPF_K, 0, 0, 0x40000},
                                       {BPF_RET | BPF_K, 0, 0, 0}};
static int filtered, filter_sender;

static void give_filter(void) {
  struct sock_fprog filter = {COUNT(program), program};
  filtered = hold("filter.socket", bound_socket(AF_INET, SOCK_DGRAM, 20010));
  filter_sender = bound_socket(AF_INET, SOCK_DGRAM, 0);
  given("filter.SO_GET_FILTER", setsockopt(filtered, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter));
  given("filter.SO_LOCK_FILTER", setsockopt(filtered, SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, sizeof(int)));
  connect_to(filter_sender, AF_INET, 20010);
}

static void tell_filter(void) {
  struct sock_filter got[16];
  int lock = 0;
  socklen_t count = COUNT(got), size = sizeof lock;
  if (getsockopt(filtered, SOL_SOCKET, SO_GET_FILTER, got, &count)) tell_number("filter.SO_GET_FILTER", -1);
  else tell_bytes("filter.SO_GET_FILTER", got, count * sizeof *got);
  tell_number("filter.SO_LOCK_FILTER", getsockopt(filtered, SOL_SOCKET, SO_LOCK_FILTER, &lock, &size) ? -1 : lock);
  char read[8];
  while (recv(filtered, read, sizeof read, MSG_DONTWAIT) >= 0) continue;
  send(filter_sender, "no", 2, 0);
  send(filter_sender, "yes", 3, 0);
  tell_number("filter.passes", recv(filtered, read, sizeof read, MSG_DONTWAIT));
  tell_number("filter.passes_more", recv(filtered, read, sizeof read, MSG_DONTWAIT));
}

static int group[3], group_sender[8];

static void give_reuseport(void) {
  for (size_t i = 0; i < COUNT(group); i++) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(20020), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    given("reuseport.members", bind(fd, (struct sockaddr *)&address, sizeof address));
    group[i] = hold(text("reuseport.%zu", i), fd);
  }
  /* Chooses the first member, always. */
  struct sock_filter first[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  struct sock_fprog filter = {COUNT(first), first};
  given("reuseport.SO_ATTACH_REUSEPORT_CBPF", setsockopt(group[0], SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter));
  for (size_t i = 0; i < COUNT(group_sender); i++)
    connect_to(group_sender[i] = bound_socket(AF_INET, SOCK_DGRAM, 20021 + (int)i), AF_INET, 20020);
}

static void tell_reuseport(void) {
  char read[8];
  int members = 0, on;
  int to[3] = {0};
  socklen_t size = sizeof on;
  for (size_t i = 0; i < COUNT(group); i++) members += !getsockopt(group[i], SOL_SOCKET, SO_REUSEPORT, &on, &size) && on;
  tell_number("reuseport.members", members);
  for (size_t i = 0; i < COUNT(group_sender); i++) send(group_sender[i], "x", 1, 0);
  for (size_t i = 0; i < COUNT(group); i++)
    while (recv(group[i], read, sizeof read, MSG_DONTWAIT) >= 0) to[i]++;
  /* Without the program a hash decides, of which a part is random. */
  tell("reuseport.SO_ATTACH_REUSEPORT_CBPF", "%s",
       to[0] == COUNT(group_sender) ? "the first member"
       : to[0] + to[1] + to[2]      ? "spread"
                                    : "none");
}

static int listener, owned_unix, owned_pipe[2];

static void give_owner(void) {
  listener = hold("owner.tcp", bound_socket(AF_INET, SOCK_STREAM, 20040));
  given("owner.tcp", fchown(listener, 1234, 2345));
  given("owner.tcp_listening", listen(listener, 3));
  owned_unix = hold("owner.unix", socket(AF_UNIX, SOCK_STREAM, 0));
  given("owner.unix", fchown(owned_unix, 1235, 2346));
  given("owner.unix_mode", fchmod(owned_unix, 0640));
  if (given("owner.pipe", pipe(owned_pipe))) given("owner.pipe", fchown(owned_pipe[0], 1236, 2347));
  given("owner.pipe_mode", fchmod(owned_pipe[0], 0620));
}

static void tell_owner(void) {
  struct stat about;
  char all[256];
  tell("owner.tcp", "%s", fstat(listener, &about) ? "error" : text("%u:%u", about.st_uid, about.st_gid));
  tell("owner.unix", "%s", fstat(owned_unix, &about) ? "error" : text("%u:%u", about.st_uid, about.st_gid));
  tell("owner.pipe", "%s", fstat(owned_pipe[0], &about) ? "error" : text("%u:%u", about.st_uid, about.st_gid));
  tell("owner.pipe_mode", "%s", fstat(owned_pipe[0], &about) ? "error" : text("%o", about.st_mode));
  tell("owner.unix_mode", "%s", fstat(owned_unix, &about) ? "error" : text("%o", about.st_mode));
  FILE *table = fopen("/proc/net/tcp", "re");
  unsigned uid;
  while (table && fgets(all, sizeof all, table))
    if (sscanf(all, " %*d: 0100007F:4E48 00000000:0000 %*x %*x:%*x %*x:%*x %*x %u", &uid) == 1) tell("owner.tcp_listening", "%u", uid);
  if (table) fclose(table);
}

const struct area socket_areas[] = {
    {"socket", give_socket, tell_socket, false, false, "options of socket(7)"},
    {"filter", give_filter, tell_filter, false, false, "classic filters of sockets"},
    {"reuseport", give_reuseport, tell_reuseport, false, false, "a group of SO_REUSEPORT with a program that chooses"},
    {"owner", give_owner, tell_owner, false, false, "owners of sockets"},
    {0},
};
