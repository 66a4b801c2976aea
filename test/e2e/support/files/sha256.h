// SHA-256 (FIPS 180-4), for a statically linked program that runs where no other program is.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sha256 {
  uint32_t state[8];
  uint64_t length;
  unsigned char block[64];
};

static struct sha256 sha256_begin(void) {
  return (struct sha256){{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, 0, {0}};
}

static uint32_t turned(uint32_t it, int by) { return it >> by | it << (32 - by); }

static void sha256_block(struct sha256 *hash) {
  static const uint32_t constants[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
      0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
      0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
      0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
      0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
      0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++)
    w[i] = (uint32_t)hash->block[4 * i] << 24 | (uint32_t)hash->block[4 * i + 1] << 16 | (uint32_t)hash->block[4 * i + 2] << 8 |
           hash->block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t a = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t b = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, hash->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t a = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
    uint32_t b = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += a;
    s[0] = a + b;
  }
  for (int i = 0; i < 8; i++) hash->state[i] += s[i];
}

static void sha256_add(struct sha256 *hash, const void *bytes, size_t length) {
  const unsigned char *from = bytes;
  while (length > 0) {
    size_t at = hash->length % 64, some = 64 - at < length ? 64 - at : length;
    memcpy(hash->block + at, from, some);
    hash->length += some;
    from += some;
    length -= some;
    if (hash->length % 64 == 0) sha256_block(hash);
  }
}

static void sha256_end(struct sha256 *hash, char text[65]) {
  uint64_t bits = hash->length * 8;
  unsigned char end[8];
  for (int i = 0; i < 8; i++) end[i] = (unsigned char)(bits >> (56 - 8 * i));
  sha256_add(hash, "\x80", 1);
  while (hash->length % 64 != 56) sha256_add(hash, "", 1);
  sha256_add(hash, end, 8);
  for (int i = 0; i < 8; i++) sprintf(text + 8 * i, "%08x", hash->state[i]);
}
