/* udp(7), UDP-Lite. */
#include "census.h"
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#ifndef UDPLITE_SEND_CSCOV
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11
#endif

static const struct option options[] = {
    NUMBER(IPPROTO_UDP, UDP_SEGMENT, 1200),   NUMBER(IPPROTO_UDP, UDP_GRO, 1),      NUMBER(IPPROTO_UDP, UDP_NO_CHECK6_TX, 1),
    NUMBER(IPPROTO_UDP, UDP_NO_CHECK6_RX, 1), NUMBER(SOL_SOCKET, SO_RCVBUF, 50000), NUMBER(IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP),
};
static const struct option lite_options[] = {NUMBER(IPPROTO_UDPLITE, UDPLITE_SEND_CSCOV, 16),
                                             NUMBER(IPPROTO_UDPLITE, UDPLITE_RECV_CSCOV, 20)};

static int set, receiver, sender, closed, from_error, six, corked, cork_receiver, lite;

static void give_udp(void) {
  set = hold("udp.options", bound_socket(AF_INET6, SOCK_DGRAM, 20200));
  give_options("udp", set, options, COUNT(options));
  receiver = hold("udp.unread", bound_socket(AF_INET, SOCK_DGRAM, 20201));
  sender = hold("udp.connected", bound_socket(AF_INET, SOCK_DGRAM, 20202));
  given("udp.connected.remote", connect_to(sender, AF_INET, 20201));
  for (int i = 0; i < 5; i++) given("udp.unread.content", send(sender, text("datagram %d", i), 10, 0));
  closed = hold("udp.shutdown", bound_socket(AF_INET, SOCK_DGRAM, 20203));
  connect_to(closed, AF_INET, 20201);
  given("poll.udp.shutdown", shutdown(closed, SHUT_RD));
  six = hold("udp.mapped", bound_socket(AF_INET6, SOCK_DGRAM, 20204));
  /* Nobody listens on port 20299: the answer is an error that waits in the socket. */
  from_error = hold("udp.error", bound_socket(AF_INET, SOCK_DGRAM, 20205));
  connect_to(from_error, AF_INET, 20299);
  setsockopt(from_error, IPPROTO_IP, IP_RECVERR, &(int){1}, sizeof(int));
  given("udp.error.queued", send(from_error, "?", 1, 0));
  usleep(20 * 1000);
}

static void tell_udp(void) {
  int first = -1;
  char room[256], control[256];
  struct iovec part = {room, sizeof room};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  tell_options("udp", set, options, COUNT(options));
  tell_number("udp.unread.first", ioctl(receiver, FIONREAD, &first) ? -1 : first);
  tell_queue("udp.unread", receiver);
  tell_addresses("udp.connected", sender);
  tell_addresses("udp.mapped", six);
  if (!draining) return;
  tell("udp.error.content", "%s", recvmsg(from_error, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0 ? error_name(errno) : "an error");
}

static void give_cork(void) {
  cork_receiver = hold("udp-cork.receiver", bound_socket(AF_INET, SOCK_DGRAM, 20210));
  corked = hold("udp-cork.socket", bound_socket(AF_INET, SOCK_DGRAM, 20211));
  connect_to(corked, AF_INET, 20210);
  given("udp-cork.UDP_CORK", setsockopt(corked, IPPROTO_UDP, UDP_CORK, &(int){1}, sizeof(int)));
  send(corked, "half ", 5, 0);
}

static void tell_cork(void) {
  int on = 0;
  socklen_t size = sizeof on;
  tell_number("udp-cork.UDP_CORK", getsockopt(corked, IPPROTO_UDP, UDP_CORK, &on, &size) ? -1 : on);
  if (!draining) return;
  setsockopt(corked, IPPROTO_UDP, UDP_CORK, &(int){0}, sizeof(int));
  tell_queue("udp-cork", cork_receiver);
}

static void give_lite(void) {
  lite = hold("udplite.socket", socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE));
  given("udplite.address.local",
        bind(lite, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(20220)}, sizeof(struct sockaddr_in)));
  give_options("udplite", lite, lite_options, COUNT(lite_options));
}

static void tell_lite(void) {
  tell_options("udplite", lite, lite_options, COUNT(lite_options));
  tell_addresses("udplite.address", lite);
}

const struct area udp_areas[] = {
    {"udp", give_udp, tell_udp, false, false, "options of udp(7), unread datagrams, connected sockets"},
    {"udp-cork", give_cork, tell_cork, false, true, "a half datagram behind UDP_CORK; refused in the dump"},
    {"udplite", give_lite, tell_lite, false, false, "UDP-Lite"},
    {0},
};
