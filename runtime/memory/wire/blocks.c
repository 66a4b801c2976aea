#include "blocks.h"
#include "choice.h"
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { block_bytes = 1 << 18 };

/** On the wire, big-endian. Before it went, a block had `plain` bytes. Where both are equal, it is as it was. */
struct head {
  uint32_t plain, coded;
};

static struct connection *through;
static int wanted_level;
static ZSTD_CCtx *coder;
static uint64_t sent, saved;
void (*blocks_before)(size_t bytes);
void (*blocks_after)(void);

/** The head and the block go in one write. */
struct block {
  struct head head;
  char bytes[block_bytes];
};

static struct block gathered, coded;
static size_t gathered_bytes;

void blocks_through(struct connection *connection, int level) {
  through = connection;
  wanted_level = level;
  if (level != compress_off && !coder && !(coder = ZSTD_createCCtx())) abort();
}

int blocks_go(void) { return through != NULL; }

uint64_t blocks_sent(void) { return sent; }
uint64_t blocks_saved(void) { return saved; }

/** @returns what goes: the block as it is, or coded, where that is smaller */
static struct block *code(int level, size_t *size) {
  *size = gathered_bytes;
  if (level == compress_off) return &gathered;
  size_t coded_bytes = ZSTD_compressCCtx(coder, coded.bytes, sizeof coded.bytes, gathered.bytes, gathered_bytes, level);
  if (ZSTD_isError(coded_bytes) || coded_bytes >= gathered_bytes) return &gathered;
  *size = coded_bytes;
  return &coded;
}

void blocks_flush(void) {
  if (gathered_bytes == 0) return;
  int level = wanted_level == compress_auto ? choice_of_level() : wanted_level;
  uint64_t begun = choice_now();
  size_t size;
  struct block *block = code(level, &size);
  uint64_t is_coded = choice_now();
  block->head = (struct head){htobe32(gathered_bytes), htobe32(size)};
  if (blocks_before) blocks_before(sizeof block->head + size);
  uint64_t may_go = choice_now();
  if (!through || connection_write(through, block, sizeof block->head + size)) exit(EPIPE);
  sent += sizeof block->head + size;
  saved += gathered_bytes - size;
  choice_learn(level, gathered_bytes, size, is_coded - begun, choice_now() - may_go);
  gathered_bytes = 0;
  if (blocks_after) blocks_after();
}

void blocks_write(const void *bytes, size_t count) {
  for (const char *at = bytes; count > 0;) {
    size_t now = count < block_bytes - gathered_bytes ? count : block_bytes - gathered_bytes;
    memcpy(gathered.bytes + gathered_bytes, at, now);
    gathered_bytes += now;
    at += now;
    count -= now;
    if (gathered_bytes == block_bytes) blocks_flush();
  }
}

// Of the block that is read now: bytes that are still in the connection, or decoded bytes that wait.
static size_t left;
static char decoded[block_bytes];
static size_t decoded_bytes, decoded_at;

static int read_all(void *to, size_t count) {
  for (char *at = to; count > 0;) {
    ssize_t got = connection_read(through, at, count);
    if (got <= 0) return -1;
    at += got;
    count -= (size_t)got;
  }
  return 0;
}

/** @returns 1, 0 at the end, or -1 */
static int begin_block(void) {
  struct head head;
  ssize_t got = connection_read(through, &head, sizeof head);
  if (got <= 0) return (int)got;
  if (read_all((char *)&head + got, sizeof head - (size_t)got)) return -1;
  size_t plain = be32toh(head.plain), size = be32toh(head.coded);
  if (plain == 0 || plain > block_bytes || size > plain) return -1;
  if (size == plain) {
    left = plain;
    return 1;
  }
  static char input[block_bytes];
  if (read_all(input, size) || ZSTD_decompress(decoded, block_bytes, input, size) != plain) return -1;
  decoded_bytes = plain;
  decoded_at = 0;
  return 1;
}

ssize_t blocks_read(void *to, size_t most) {
  if (left == 0 && decoded_at == decoded_bytes) {
    int begun = begin_block();
    if (begun <= 0) return begun;
  }
  if (left > 0) {
    ssize_t got = connection_read(through, to, most < left ? most : left);
    if (got <= 0) return -1;
    left -= (size_t)got;
    return got;
  }
  size_t now = decoded_bytes - decoded_at;
  if (now > most) now = most;
  memcpy(to, decoded + decoded_at, now);
  decoded_at += now;
  return (ssize_t)now;
}

int blocks_hold(void) { return decoded_at < decoded_bytes || (through && connection_holds(through)); }
