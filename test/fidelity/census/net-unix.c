/* unix(7). */
#include "census.h"
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

static const struct option options[] = {
    NUMBER(SOL_SOCKET, SO_PASSCRED, 1),   NUMBER(SOL_SOCKET, SO_PASSPIDFD, 1),
    NUMBER(SOL_SOCKET, SO_PASSRIGHTS, 0), NUMBER(SOL_SOCKET, SO_PASSSEC, 1),
    NUMBER(SOL_SOCKET, SO_PEEK_OFF, 0),   NUMBER(SOL_SOCKET, SO_SNDBUF, 30000),
    NUMBER(SOL_SOCKET, SO_RCVBUF, 31000), NUMBER(SOL_SOCKET, SO_TIMESTAMP, 1),
    NUMBER(SOL_SOCKET, SO_PRIORITY, 3),   BYTES(SOL_SOCKET, SO_RCVTIMEO, struct timeval, {2, 0}),
    NUMBER(SOL_SOCKET, SO_RCVLOWAT, 4),   NUMBER(SOL_SOCKET, SO_MARK, 55),
};

static int stream[2], datagram[2], packet[2], with_options, half[2], gone[2], listener, abstract_listener, client, accepted, autobound,
    named, to_named;

static int bind_to(const char *name, int type, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, type, 0);
  size_t length = strlen(path);
  /* '@' stands for the zero byte of an abstract name. */
  memcpy(address.sun_path, path, length);
  if (*path == '@') *address.sun_path = 0;
  else unlink(path);
  given(name, bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)));
  return hold(name, fd);
}

static int connect_path(int fd, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, strlen(path));
  if (*path == '@') *address.sun_path = 0;
  return connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
}

static void tell_name(const char *name, int fd, bool peer) {
  struct sockaddr_un address = {0};
  socklen_t size = sizeof address;
  if (peer ? getpeername(fd, (struct sockaddr *)&address, &size) : getsockname(fd, (struct sockaddr *)&address, &size))
    tell_number(name, -1);
  else tell_bytes(name, address.sun_path, size - offsetof(struct sockaddr_un, sun_path));
}

static void make_pair(const char *name, int type, int *pair) {
  given(name, socketpair(AF_UNIX, type, 0, pair));
  hold(text("%s.0", name), pair[0]);
  hold(text("%s.1", name), pair[1]);
}

static void give_unix(void) {
  make_pair("unix.stream", SOCK_STREAM, stream);
  make_pair("unix.datagram", SOCK_DGRAM | SOCK_NONBLOCK, datagram);
  make_pair("unix.packet", SOCK_SEQPACKET | SOCK_CLOEXEC, packet);
  make_pair("unix.half", SOCK_STREAM, half);
  make_pair("unix.gone", SOCK_STREAM, gone);
  send(stream[0], "one way", 7, 0);
  send(stream[1], "other way", 9, 0);
  for (int i = 0; i < 3; i++) {
    send(datagram[0], text("datagram %d", i), 10, 0);
    send(packet[0], text("packet %d", i), 8, 0);
  }
  send(half[0], "before", 6, 0);
  shutdown(half[0], SHUT_WR);
  send(gone[1], "from the dead", 13, 0);
  close(gone[1]);
  with_options = hold("unix.options", socket(AF_UNIX, SOCK_DGRAM, 0));
  give_options("unix", with_options, options, COUNT(options));
  listener = bind_to("unix.listener", SOCK_STREAM, path_in_folder("listener.sock"));
  given("unix.listener", listen(listener, 6));
  given("unix.listener.file", chmod(path_in_folder("listener.sock"), 0624));
  given("unix.listener.file", chown(path_in_folder("listener.sock"), 1234, 2345));
  abstract_listener = bind_to("unix.abstract", SOCK_SEQPACKET, "@census-abstract");
  given("unix.abstract", listen(abstract_listener, 8));
  client = hold("unix.client", socket(AF_UNIX, SOCK_STREAM, 0));
  given("unix.client", connect_path(client, path_in_folder("listener.sock")));
  accepted = hold("unix.accepted", accept(listener, NULL, NULL));
  send(client, "question", 8, 0);
  autobound = hold("unix.autobound", socket(AF_UNIX, SOCK_DGRAM, 0));
  given("unix.autobound", bind(autobound, (struct sockaddr *)&(struct sockaddr_un){.sun_family = AF_UNIX}, sizeof(sa_family_t)));
  named = bind_to("unix.named", SOCK_DGRAM, path_in_folder("named.sock"));
  to_named = hold("unix.to_named", socket(AF_UNIX, SOCK_DGRAM, 0));
  given("unix.to_named", connect_path(to_named, path_in_folder("named.sock")));
  send(to_named, "by name", 7, 0);
}

static void tell_unix(void) {
  struct stat about;
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  int count = -1;
  tell_number("unix.stream.waiting", ioctl(stream[0], FIONREAD, &count) ? -1 : count);
  tell_queue("unix.stream.0", stream[0]);
  tell_queue("unix.stream.1", stream[1]);
  tell_queue("unix.datagram", datagram[1]);
  tell_queue("unix.packet", packet[1]);
  tell_queue("unix.half", half[1]);
  tell_queue("unix.gone", gone[0]);
  tell_queue("unix.accepted", accepted);
  tell_queue("unix.named", named);
  tell_options("unix", with_options, options, COUNT(options));
  tell_name("unix.listener", listener, false);
  tell_name("unix.abstract", abstract_listener, false);
  tell_name("unix.client", client, true);
  tell_name("unix.autobound", autobound, false);
  tell_name("unix.to_named", to_named, true);
  tell("unix.listener.file", "%s",
       stat(path_in_folder("listener.sock"), &about) ? error_name(errno) : text("%o %u:%u", about.st_mode, about.st_uid, about.st_gid));
  if (getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &size)) tell_number("unix.SO_PEERCRED", -1);
  else tell("unix.SO_PEERCRED", "%s %u:%u", peer.pid == getpid() ? "self" : "another process", peer.uid, peer.gid);
  for (int i = 0, probe; i < 2; i++) {
    probe = socket(AF_UNIX, i ? SOCK_SEQPACKET : SOCK_STREAM, 0);
    tell_number(i ? "unix.abstract.connects" : "unix.listener.connects",
                connect_path(probe, i ? "@census-abstract" : path_in_folder("listener.sock")));
    close(probe);
    close(accept4(i ? abstract_listener : listener, NULL, NULL, SOCK_CLOEXEC));
  }
}

static int other[2];

static void as_other(void) {
  if (setgid(2345) || setuid(1234)) return;
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  connect_path(fd, "@census-peer");
}

static void give_peer(void) {
  int listening = bind_to("peercred.listener", SOCK_STREAM, "@census-peer");
  listen(listening, 1);
  start_child(as_other);
  other[0] = hold("peercred.accepted", accept(listening, NULL, NULL));
}

static void tell_peer(void) {
  struct ucred peer = {0};
  gid_t groups[8] = {0};
  socklen_t size = sizeof peer, groups_size = sizeof groups;
  if (getsockopt(other[0], SOL_SOCKET, SO_PEERCRED, &peer, &size)) tell_number("peercred.SO_PEERCRED", -1);
  else tell("peercred.SO_PEERCRED", "%s %u:%u", peer.pid ? "a process" : "nobody", peer.uid, peer.gid);
  tell_number("peercred.SO_PEERGROUPS",
              getsockopt(other[0], SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) ? -1 : (long)(groups_size / sizeof *groups));
}

static int rights[2], oob[2], unlinked, waiting_listener, waiting_client;

static void send_descriptor(int through, int fd) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control = {{CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  struct iovec part = {"r", 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  given("unix-rights.queued", sendmsg(through, &message, 0));
}

static void give_rights(void) {
  int sent[2];
  make_pair("unix-rights.pair", SOCK_STREAM, rights);
  if (pipe(sent)) return;
  if (write(sent[1], "inside", 6) == 6) send_descriptor(rights[0], sent[0]);
  close(sent[0]);
  close(sent[1]);
}

/* Peeking makes descriptors of the queued ones, too. */
static void tell_rights(void) {
  char byte, control[CMSG_SPACE(sizeof(int))], read_back[16];
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(rights[1], &message, MSG_DONTWAIT | (draining ? 0 : MSG_PEEK)) < 0) {
    tell_number("unix-rights.queued", -1);
    return;
  }
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  tell("unix-rights.queued", "%s", header && header->cmsg_type == SCM_RIGHTS ? "a descriptor" : "nothing");
  if (!header) return;
  int fd, count = -1;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  tell_number("unix-rights.inside", ioctl(fd, FIONREAD, &count) ? -1 : count);
  if (draining) tell_bytes("unix-rights.content", read_back, (size_t)(read(fd, read_back, sizeof read_back) > 0 ? 6 : 0));
  close(fd);
}

static void give_oob(void) {
  make_pair("unix-urgent.pair", SOCK_STREAM, oob);
  send(oob[0], "plain", 5, 0);
  given("unix-urgent.byte", send(oob[0], "!", 1, MSG_OOB));
}

static void tell_oob(void) {
  char byte = 0;
  tell_number("unix-urgent.byte", recv(oob[1], &byte, 1, MSG_OOB | MSG_DONTWAIT | MSG_PEEK) < 0 ? -1 : byte);
}

static void give_unlinked(void) {
  unlinked = bind_to("unix-unlinked.listener", SOCK_STREAM, path_in_folder("unlinked.sock"));
  listen(unlinked, 2);
  unlink(path_in_folder("unlinked.sock"));
}

static void tell_unlinked(void) { tell_name("unix-unlinked.name", unlinked, false); }

static void give_waiting(void) {
  waiting_listener = bind_to("unix-flight.listener", SOCK_STREAM, "@census-waiting");
  listen(waiting_listener, 4);
  waiting_client = hold("unix-flight.client", socket(AF_UNIX, SOCK_STREAM, 0));
  given("unix-flight.client.remote", connect_path(waiting_client, "@census-waiting"));
  send(waiting_client, "early", 5, 0);
}

static void tell_waiting(void) { tell_name("unix-flight.client.remote", waiting_client, true); }

const struct area unix_areas[] = {
    {"unix", give_unix, tell_unix, false, false, "options of unix(7), names, unread data"},
    {"peercred", give_peer, tell_peer, true, false, "credentials of a peer with another uid"},
    {"unix-rights", give_rights, tell_rights, false, false, "a descriptor that waits in a socket"},
    {"unix-urgent", give_oob, tell_oob, false, false, "an urgent byte in a unix socket"},
    {"unix-unlinked", give_unlinked, tell_unlinked, false, false, "a listener whose file is removed"},
    {"unix-flight", give_waiting, tell_waiting, false, true, "a client that waits to be accepted and has sent; refused in the dump"},
    {0},
};
