/* netlink(7) and packet(7). */
#include "census.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

static const struct option netlink_options[] = {
    NUMBER(SOL_NETLINK, NETLINK_PKTINFO, 1),         NUMBER(SOL_NETLINK, NETLINK_BROADCAST_ERROR, 1),
    NUMBER(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1),      NUMBER(SOL_NETLINK, NETLINK_CAP_ACK, 1),
    NUMBER(SOL_NETLINK, NETLINK_EXT_ACK, 1),         NUMBER(SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1),
    NUMBER(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1), NUMBER(SOL_SOCKET, SO_RCVBUF, 40000)};
static const struct option packet_options[] = {
    NUMBER(SOL_PACKET, PACKET_AUXDATA, 1),          NUMBER(SOL_PACKET, PACKET_ORIGDEV, 1),    NUMBER(SOL_PACKET, PACKET_VNET_HDR, 1),
    NUMBER(SOL_PACKET, PACKET_VERSION, TPACKET_V2), NUMBER(SOL_PACKET, PACKET_LOSS, 1),       NUMBER(SOL_PACKET, PACKET_RESERVE, 32),
    NUMBER(SOL_PACKET, PACKET_TIMESTAMP, 64),       NUMBER(SOL_PACKET, PACKET_TX_HAS_OFF, 1), NUMBER(SOL_PACKET, PACKET_QDISC_BYPASS, 1),
    NUMBER(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1),
};

static int route, queued, packet, ring, fanout;

static int bound_netlink(const char *name, int port, unsigned groups) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = (unsigned)port, .nl_groups = groups};
  int fd = hold(name, socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  given(name, bind(fd, (struct sockaddr *)&address, sizeof address));
  return fd;
}

static void give_netlink(void) {
  route = bound_netlink("netlink.socket", 777777, RTMGRP_LINK | RTMGRP_IPV4_ROUTE);
  give_options("netlink", route, netlink_options, COUNT(netlink_options));
  given("netlink.group", setsockopt(route, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &(int){RTNLGRP_NSID}, sizeof(int)));
}

static void tell_netlink(void) {
  struct sockaddr_nl address = {0};
  socklen_t size = sizeof address;
  unsigned groups[4] = {0};
  tell_options("netlink", route, netlink_options, COUNT(netlink_options));
  if (getsockname(route, (struct sockaddr *)&address, &size)) tell_number("netlink.socket", -1);
  else tell("netlink.socket", "port %u, groups %#x", address.nl_pid, address.nl_groups);
  size = sizeof groups;
  tell_number("netlink.group", getsockopt(route, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &size) ? -1 : (long)groups[0]);
}

static void give_queued(void) {
  struct {
    struct nlmsghdr header;
    struct rtgenmsg body;
  } request = {{sizeof request, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 5, 0}, {AF_UNSPEC}};
  queued = bound_netlink("netlink-queued.socket", 777778, 0);
  given("netlink-queued.waits", send(queued, &request, sizeof request, 0));
}

static void tell_queued(void) {
  struct nlmsghdr first = {0};
  ssize_t got = recv(queued, &first, sizeof first, MSG_DONTWAIT | MSG_PEEK);
  if (got < 0) tell_number("netlink-queued.waits", -1);
  else tell("netlink-queued.waits", "type %u, number %u", first.nlmsg_type, first.nlmsg_seq);
}

static void give_packet(void) {
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_ifindex = 1};
  packet = hold("packet.socket", socket(AF_PACKET, SOCK_DGRAM, htons(0x88b5)));
  given("packet.address", bind(packet, (struct sockaddr *)&address, sizeof address));
  give_options("packet", packet, packet_options, COUNT(packet_options));
  struct packet_mreq member = {.mr_ifindex = 1, .mr_type = PACKET_MR_ALLMULTI};
  given("packet.membership", setsockopt(packet, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, sizeof member));
}

static void tell_packet(void) {
  struct sockaddr_ll address = {0};
  socklen_t size = sizeof address;
  tell_options("packet", packet, packet_options, COUNT(packet_options));
  if (getsockname(packet, (struct sockaddr *)&address, &size)) tell_number("packet.address", -1);
  else tell("packet.address", "protocol %#x, interface %d", ntohs(address.sll_protocol), address.sll_ifindex);
  tell("packet.membership", "%s", line_after("/sys/class/net/lo/flags", "0x"));
}

static void give_ring(void) {
  struct tpacket_req request = {4096, 4, 2048, 8};
  ring = hold("packet-ring.socket", socket(AF_PACKET, SOCK_RAW, 0));
  given("packet-ring.frames", setsockopt(ring, SOL_PACKET, PACKET_RX_RING, &request, sizeof request));
  fanout = hold("packet-ring.fanout_socket", socket(AF_PACKET, SOCK_RAW, htons(0x88b5)));
  given("packet-ring.PACKET_FANOUT", setsockopt(fanout, SOL_PACKET, PACKET_FANOUT, &(int){7 | PACKET_FANOUT_LB << 16}, sizeof(int)));
}

static void tell_ring(void) {
  int group = 0;
  socklen_t size = sizeof group;
  tell("packet-ring.frames", "%s",
       setsockopt(ring, SOL_PACKET, PACKET_VERSION, &(int){TPACKET_V2}, sizeof(int)) ? error_name(errno) : "no ring");
  tell_number("packet-ring.PACKET_FANOUT", getsockopt(fanout, SOL_PACKET, PACKET_FANOUT, &group, &size) ? -1 : group);
}

const struct area link_areas[] = {
    {"netlink", give_netlink, tell_netlink, false, false, "options and groups of netlink(7)"},
    {"netlink-queued", give_queued, tell_queued, false, true, "an answer of netlink that was not read; refused in the dump"},
    {"packet", give_packet, tell_packet, false, false, "options of packet(7), needs CAP_NET_RAW"},
    {"packet-ring", give_ring, tell_ring, false, false, "a ring and a fanout group of packet(7)"},
    {0},
};
