/* Sockets of other families and layers. */
#include "census.h"
#include <linux/if_alg.h>
#include <linux/tcp.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static int vsock, mptcp, sctp, algorithm, tls[2], filtered;

static void give_vsock(void) {
  struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 20300};
  vsock = hold("refused-vsock.socket", socket(AF_VSOCK, SOCK_STREAM, 0));
  given("refused-vsock.port", bind(vsock, (struct sockaddr *)&address, sizeof address));
}

static void tell_vsock(void) {
  struct sockaddr_vm address = {0};
  socklen_t size = sizeof address;
  tell_number("refused-vsock.port", getsockname(vsock, (struct sockaddr *)&address, &size) ? -1 : (long)address.svm_port);
}

static void give_listener(const char *name, int *fd, int protocol, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  *fd = hold(name, socket(AF_INET, SOCK_STREAM, protocol));
  given(text("%s.protocol", name), *fd);
  given(text("%s.remote", name), *fd);
  given(text("%s.local", name), *fd < 0 ? -1 : bind(*fd, (struct sockaddr *)&address, sizeof address));
  if (*fd >= 0) listen(*fd, 3);
}

static void tell_protocol(const char *name, int fd) {
  int protocol = 0;
  socklen_t size = sizeof protocol;
  tell_number(text("%s.protocol", name), getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) ? -1 : protocol);
  tell_addresses(name, fd);
}

static void give_mptcp(void) { give_listener("refused-mptcp.socket", &mptcp, IPPROTO_MPTCP, 20310); }
static void tell_mptcp(void) { tell_protocol("refused-mptcp.socket", mptcp); }
static void give_sctp(void) { give_listener("refused-sctp.socket", &sctp, IPPROTO_SCTP, 20311); }
static void tell_sctp(void) { tell_protocol("refused-sctp.socket", sctp); }

static void give_algorithm(void) {
  struct sockaddr_alg address = {.salg_family = AF_ALG, .salg_type = "hash", .salg_name = "sha256"};
  algorithm = hold("refused-alg.socket", socket(AF_ALG, SOCK_SEQPACKET, 0));
  given("refused-alg.hash", bind(algorithm, (struct sockaddr *)&address, sizeof address));
}

static void tell_algorithm(void) {
  int operation = accept4(algorithm, NULL, NULL, SOCK_CLOEXEC);
  tell("refused-alg.hash", "%s", operation < 0 ? error_name(errno) : "works");
  if (operation >= 0) close(operation);
}

static void give_tls(void) {
  int listener = bound_socket(AF_INET, SOCK_STREAM, 20320);
  listen(listener, 1);
  tls[0] = bound_socket(AF_INET, SOCK_STREAM, 20321);
  connect_to(tls[0], AF_INET, 20320);
  tls[1] = accept(listener, NULL, NULL);
  given("refused-tls.TCP_ULP", setsockopt(tls[0], IPPROTO_TCP, TCP_ULP, "tls", 4));
}

static void tell_tls(void) {
  char name[16] = "";
  socklen_t size = sizeof name;
  tell("refused-tls.TCP_ULP", "%s", getsockopt(tls[0], IPPROTO_TCP, TCP_ULP, name, &size) ? error_name(errno) : name);
}

/* SO_ATTACH_BPF: a program that accepts everything. */
static void give_program(void) {
  static const uint64_t code[] = {0xffff000000b7, 0x95};
  struct {
    uint32_t type, count;
    uint64_t code, license;
    uint32_t level, size;
    uint64_t log;
  } attributes = {.type = 1, .count = 2, .code = (uintptr_t)code, .license = (uintptr_t)"GPL"};
  int program = (int)syscall(SYS_bpf, 5, &attributes, sizeof attributes);
  filtered = hold("bpf-filter.socket", socket(AF_INET, SOCK_DGRAM, 0));
  if (given("bpf-filter.SO_ATTACH_BPF", program))
    given("bpf-filter.SO_ATTACH_BPF", setsockopt(filtered, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program));
  close(program);
}

/* The kernel does not give the program back; SO_GET_FILTER says EACCES as long as there is one that is not a classic one. */
static void tell_program(void) {
  socklen_t count = 0;
  tell("bpf-filter.SO_ATTACH_BPF", "%s", getsockopt(filtered, SOL_SOCKET, SO_GET_FILTER, NULL, &count) ? error_name(errno) : "no program");
}

const struct area foreign_areas[] = {
    {"refused-vsock", give_vsock, tell_vsock, true, true, "vsock(7); refused in the dump"},
    {"refused-mptcp", give_mptcp, tell_mptcp, true, true, "multipath TCP; refused in the dump"},
    {"refused-sctp", give_sctp, tell_sctp, true, true, "sctp(7); not tried"},
    {"refused-alg", give_algorithm, tell_algorithm, true, true, "AF_ALG; not tried"},
    {"refused-tls", give_tls, tell_tls, true, true, "kernel TLS; not tried"},
    {"bpf-filter", give_program, tell_program, true, true, "SO_ATTACH_BPF; refused in the dump"},
    {0},
};
