// Sockets and threads, with state that CRIU leaves out. `stateful set` sets it, `stateful` leaves all as in new sockets. A line for each:
// what it is at each line "tell" on the standard input, all unread datagrams at "read".
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int udp, udp6, tcp, accepted, unix_socket;

static struct {
  const char *name;
  int *fd, level, option, value;
} options[] = {
    {"udp IP_TOS", &udp, SOL_IP, IP_TOS, 0x10},
    {"udp IP_RECVERR", &udp, SOL_IP, IP_RECVERR, 1},
    {"udp IP_MULTICAST_TTL", &udp, SOL_IP, IP_MULTICAST_TTL, 9},
    {"udp IP_MULTICAST_LOOP", &udp, SOL_IP, IP_MULTICAST_LOOP, 0},
    {"udp UDP_GRO", &udp, SOL_UDP, UDP_GRO, 1},
    {"udp SO_PRIORITY", &udp, SOL_SOCKET, SO_PRIORITY, 3},
    {"udp6 IPV6_UNICAST_HOPS", &udp6, SOL_IPV6, IPV6_UNICAST_HOPS, 7},
    {"udp6 IPV6_TCLASS", &udp6, SOL_IPV6, IPV6_TCLASS, 0x20},
    {"udp6 IPV6_MULTICAST_IF", &udp6, SOL_IPV6, IPV6_MULTICAST_IF, 1},
    {"tcp TCP_USER_TIMEOUT", &tcp, SOL_TCP, TCP_USER_TIMEOUT, 4321},
    {"tcp TCP_DEFER_ACCEPT", &tcp, SOL_TCP, TCP_DEFER_ACCEPT, 7},
    {"tcp TCP_NODELAY", &tcp, SOL_TCP, TCP_NODELAY, 1},
    {"tcp TCP_MAXSEG", &tcp, SOL_TCP, TCP_MAXSEG, 900},
    {"accepted TCP_NOTSENT_LOWAT", &accepted, SOL_TCP, TCP_NOTSENT_LOWAT, 16384},
    {"accepted SO_RCVLOWAT", &accepted, SOL_SOCKET, SO_RCVLOWAT, 2},
    {"unix SO_PASSCRED", &unix_socket, SOL_SOCKET, SO_PASSCRED, 1},
};

static volatile pid_t sleeping;

static void *sleep_on(void *nothing) {
  for (sleeping = (pid_t)syscall(SYS_gettid);;) pause();
  return nothing;
}

static int bound(int family, int type, int port) {
  int fd = socket(family, type, 0);
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  if (family == AF_INET ? bind(fd, (void *)&v4, sizeof v4) : bind(fd, (void *)&v6, sizeof v6)) perror("bind");
  return fd;
}

static void join(int join) {
  struct ip_mreqn request = {.imr_multiaddr.s_addr = inet_addr("239.77.7.7"), .imr_ifindex = 1};
  struct ip_mreq_source source = {.imr_multiaddr.s_addr = inet_addr("239.77.7.8"), .imr_interface.s_addr = inet_addr("127.0.0.1")};
  source.imr_sourceaddr.s_addr = inet_addr("10.1.2.3");
  struct ipv6_mreq request6 = {.ipv6mr_interface = 1};
  inet_pton(AF_INET6, "ff05::77", &request6.ipv6mr_multiaddr);
  if (!join) return;
  if (setsockopt(udp, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof request)) perror("join");
  if (setsockopt(udp, SOL_IP, IP_ADD_SOURCE_MEMBERSHIP, &source, sizeof source)) perror("join source");
  if (setsockopt(udp6, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &request6, sizeof request6)) perror("join v6");
}

static void send_to(const char *address, const char *text) {
  int fd = socket(strchr(address, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9516)};
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9514)};
  if (strchr(address, ':')) inet_pton(AF_INET6, address, &v6.sin6_addr);
  else inet_pton(AF_INET, address, &v4.sin_addr);
  struct sockaddr *to = strchr(address, ':') ? (void *)&v6 : (void *)&v4;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(7000), .sin_addr.s_addr = inet_addr("127.0.0.9")};
  if (!strchr(address, ':')) bind(fd, (void *)&from, sizeof from);
  if (sendto(fd, text, strlen(text), 0, to, strchr(address, ':') ? sizeof v6 : sizeof v4) < 0) perror("sendto");
  close(fd);
}

static void tell(void) {
  for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
    int value = -1;
    socklen_t length = sizeof value;
    getsockopt(*options[i].fd, options[i].level, options[i].option, &value, &length);
    printf("%s %d\n", options[i].name, value);
  }
  char text[16] = "", line[256];
  socklen_t length = sizeof text;
  getsockopt(accepted, SOL_TCP, TCP_CONGESTION, text, &length);
  printf("accepted TCP_CONGESTION %s\n", text);
  cpu_set_t cpus;
  for (int thread = 0; thread < 2; thread++) {
    sched_getaffinity(thread ? sleeping : 0, sizeof cpus, &cpus);
    printf("thread %d: %d CPUs, ", thread, CPU_COUNT(&cpus));
    printf("ioprio %ld\n", syscall(SYS_ioprio_get, 1, thread ? sleeping : 0));
  }
  printf("slack %d\n", prctl(PR_GET_TIMERSLACK));
  FILE *file = fopen("/proc/self/coredump_filter", "r");
  if (file && fgets(line, sizeof line, file)) printf("coredump filter %s", line);
  if (file) fclose(file);
  for (const char **path = (const char *[]){"/proc/self/net/igmp", "/proc/self/net/igmp6", NULL}; *path; path++) {
    file = fopen(*path, "r");
    while (file && fgets(line, sizeof line, file))
      if (strstr(line, "0707") || strstr(line, "08074D") || strstr(line, "ff0500")) printf("group %.60s\n", strtok(line + (line[0] == '\t'), "\n"));
    if (file) fclose(file);
  }
  fflush(stdout);
}

static void read_from(int fd) {
  char data[100], address[INET6_ADDRSTRLEN];
  struct sockaddr_storage from;
  for (socklen_t length = sizeof from;; length = sizeof from) {
    ssize_t got = recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (void *)&from, &length);
    if (got < 0) return;
    const void *at = from.ss_family == AF_INET ? (void *)&((struct sockaddr_in *)&from)->sin_addr : (void *)&((struct sockaddr_in6 *)&from)->sin6_addr;
    printf("'%.*s' from %s\n", (int)got, data, inet_ntop(from.ss_family, at, address, sizeof address));
  }
}

int main(int argc, char **argv) {
  (void)argv;
  pthread_t thread;
  pthread_create(&thread, NULL, sleep_on, NULL);
  while (!sleeping) usleep(1000);
  udp = bound(AF_INET, SOCK_DGRAM, 9514);
  udp6 = bound(AF_INET6, SOCK_DGRAM, 9516);
  tcp = bound(AF_INET, SOCK_STREAM, 9700);
  unix_socket = socket(AF_UNIX, SOCK_DGRAM, 0);
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(9701), .sin_addr.s_addr = inet_addr("127.0.0.1")};
  int listener = bound(AF_INET, SOCK_STREAM, 9701), client = socket(AF_INET, SOCK_STREAM, 0);
  if (listen(tcp, 5) || listen(listener, 5) || connect(client, (void *)&name, sizeof name)) perror("connect");
  accepted = accept(listener, NULL, NULL);
  if (argc > 1) {
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
      if (setsockopt(*options[i].fd, options[i].level, options[i].option, &options[i].value, sizeof(int))) perror(options[i].name);
    if (setsockopt(accepted, SOL_TCP, TCP_CONGESTION, "reno", 4)) perror("reno");
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(1, &cpus);
    // The thread that sleeps.
    if (sched_setaffinity(sleeping, sizeof cpus, &cpus)) perror("affinity");
    syscall(SYS_ioprio_set, 1, sleeping, 2 << 13 | 6);
    prctl(PR_SET_TIMERSLACK, 1000000);
    FILE *filter = fopen("/proc/self/coredump_filter", "w");
    if (filter) fclose((fputs("0x3f", filter), filter));
    join(1);
    send_to("127.0.0.1", "one");
    send_to("127.0.0.2", "");
    send_to("127.0.0.1", "three");
    send_to("::1", "six");
  }
  puts("ready");
  fflush(stdout);
  for (char line[16]; fgets(line, sizeof line, stdin); fflush(stdout)) {
    if (line[0] == 't') tell();
    else read_from(udp), read_from(udp6);
    puts(".");
  }
}
