#define _GNU_SOURCE
#include "connection.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// What lies in the kernel, and what TLS reads at once: the other half is woken less often.
enum { sent_ahead = 1 << 20, read_at_once = 1 << 18 };
// A link on which nothing comes through for so long is cut, in ms. Sooner than that TCP itself makes up for what was lost.
enum { silence = 30000 };
// One key of AES-GCM is good for 2^24.5 records of 16 KiB. This is a quarter of that.
static const uint64_t bytes_of_a_key = 1ull << 36;

struct connection {
  int fd;
  SSL *ssl;
  uint64_t with_this_key;
};

/** Without the rights for it, the usual room will do. */
static void prepare(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &(int){sent_ahead}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){silence}, sizeof(int));
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){silence / 5000}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){silence / 5000}, sizeof(int));
}

static int show(int fd, const char *ticket) {
  char line[128], answer;
  int length = snprintf(line, sizeof line, "godwit %s\n", ticket);
  // An agent that does not know the ticket closes the connection.
  return send(fd, line, (size_t)length, MSG_NOSIGNAL) == length && recv(fd, &answer, 1, 0) == 1 ? 0 : -ECONNREFUSED;
}

int connect_to_host(const char *host, const char *port, const char *ticket) {
  struct addrinfo *found, only_numbers = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
  if (getaddrinfo(host, port, &only_numbers, &found)) return -EINVAL;
  int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  prepare(fd);
  int error = connect(fd, found->ai_addr, found->ai_addrlen) ? -errno : show(fd, ticket);
  freeaddrinfo(found);
  if (!error) return fd;
  close(fd);
  return error;
}

int connect_here(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  prepare(fd);
  if (!connect(fd, (struct sockaddr *)&address, sizeof address)) return fd;
  int error = -errno;
  close(fd);
  return error;
}

void greet(int fd) { send(fd, "+", 1, MSG_NOSIGNAL); }

static unsigned char key_of_this[key_bytes];

/** What TLS knows a key as that was agreed on elsewhere (RFC 8446, 2.2). */
static SSL_SESSION *session_of_key(SSL *ssl) {
  static const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
  SSL_SESSION *session = SSL_SESSION_new();
  if (session && SSL_SESSION_set1_master_key(session, key_of_this, sizeof key_of_this) &&
      SSL_SESSION_set_cipher(session, SSL_CIPHER_find(ssl, aes_128_gcm_sha256)) &&
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION))
    return session;
  SSL_SESSION_free(session);
  return NULL;
}

static int give_key(SSL *ssl, const EVP_MD *hash, const unsigned char **name, size_t *length, SSL_SESSION **session) {
  (void)hash;
  *name = (const unsigned char *)"godwit";
  *length = strlen("godwit");
  return (*session = session_of_key(ssl)) != NULL;
}

static int find_key(SSL *ssl, const unsigned char *name, size_t length, SSL_SESSION **session) {
  (void)name, (void)length;
  return (*session = session_of_key(ssl)) != NULL;
}

static SSL *handshake(int fd, int is_server) {
  SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
  if (!context) return NULL;
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, read_at_once);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  if (is_server) SSL_CTX_set_psk_find_session_callback(context, find_key);
  else SSL_CTX_set_psk_use_session_callback(context, give_key);
  SSL *ssl = SSL_new(context);
  SSL_CTX_free(context);
  // Without the key nobody answers: there are no certificates that could stand for it.
  if (ssl && SSL_set_fd(ssl, fd) && (is_server ? SSL_accept(ssl) : SSL_connect(ssl)) == 1 && SSL_session_reused(ssl)) return ssl;
  SSL_free(ssl);
  return NULL;
}

struct connection *connection_of(int fd, const unsigned char *key, int is_server) {
  struct connection *made = calloc(1, sizeof *made);
  if (!made) abort();
  made->fd = fd;
  prepare(fd);
  if (!key) return made;
  memcpy(key_of_this, key, key_bytes);
  made->ssl = handshake(fd, is_server);
  OPENSSL_cleanse(key_of_this, sizeof key_of_this);
  if (made->ssl) return made;
  free(made);
  return NULL;
}

ssize_t connection_read(struct connection *it, void *to, size_t most) {
  if (it->ssl) {
    int got = SSL_read(it->ssl, to, most > INT32_MAX ? INT32_MAX : (int)most);
    return got > 0 ? got : SSL_get_error(it->ssl, got) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
  }
  ssize_t got;
  while ((got = read(it->fd, to, most)) < 0 && errno == EINTR) continue;
  return got;
}

int connection_holds(const struct connection *it) { return it->ssl && SSL_has_pending(it->ssl); }

int connection_write(struct connection *it, const void *bytes, size_t count) {
  it->with_this_key += count;
  if (it->with_this_key > bytes_of_a_key && it->ssl) {
    SSL_key_update(it->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
    it->with_this_key = 0;
  }
  for (const char *at = bytes; count > 0;) {
    ssize_t written = it->ssl ? SSL_write(it->ssl, at, (int)count) : send(it->fd, at, count, MSG_NOSIGNAL);
    if (written <= 0 && !it->ssl && errno == EINTR) continue;
    if (written <= 0) return -1;
    at += written;
    count -= (size_t)written;
  }
  return 0;
}
