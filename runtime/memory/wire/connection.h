// A connection between the two halves of godwit-memory: TLS 1.3 with a key that both agents have agreed on, or, on one host, plain.
#pragma once
#include <stddef.h>
#include <sys/types.h>

enum { key_bytes = 32 };

// Connects to HOST:PORT, a number each, and shows the ticket, by which the agent there knows what the connection is for.
// @returns a descriptor, or a negative errno
int connect_to_host(const char *host, const char *port, const char *ticket);

// @returns a descriptor of a connection to a socket of this host, or a negative errno
int connect_here(const char *path);

// Answers a connection that showed its ticket. Its other half sends nothing before.
void greet(int fd);

struct connection;

// `key` has key_bytes bytes; NULL: plain. The `server` is the half that was called. @returns NULL where the other half has another key
struct connection *connection_of(int fd, const unsigned char *key, int is_server);

// @returns bytes that were read, 0 at the end, -1 where the connection broke
ssize_t connection_read(struct connection *, void *to, size_t most);

// Whether bytes can be read that no poll() of the descriptor tells.
int connection_holds(const struct connection *);

// Writes all of it. @returns 0, or -1 where the connection broke
int connection_write(struct connection *, const void *bytes, size_t count);
