/*
 * Files in tmpfs mounts, such as /dev/shm: CRIU packs them with `tar --gzip` while the container stands still, and gzip takes most of a
 * second for 32 MiB. In a dump that leaves shared objects out, which only this library restores, they are packed without gzip. In a restore
 * tar is told of gzip where the image is of gzip.
 */
#define _GNU_SOURCE
#include "criu.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { most_words = 64 };

static bool has(char *const words[], const char *word) {
  while (*words && strcmp(*words, word)) words++;
  return *words;
}

/** CRIU gives tar the image as its standard input. */
static bool is_gzip_input(void) {
  unsigned char magic[2];
  off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
  return at < 0 || pread(STDIN_FILENO, magic, sizeof magic, at) != sizeof magic || (magic[0] == 0x1f && magic[1] == 0x8b);
}

static bool needs_no_gzip(char *const words[]) {
  if (has(words, "--create")) return getenv("GODWIT_SHARED_OBJECTS") != NULL;
  return has(words, "--extract") && !is_gzip_input();
}

EXPORT int execvp(const char *program, char *const words[]) {
  char *plain[most_words];
  if (!is_criu || strcmp(program, "tar") || !needs_no_gzip(words)) return execvpe(program, words, environ);
  size_t count = 0;
  for (; *words && count < most_words - 1; words++)
    if (strcmp(*words, "--gzip")) plain[count++] = *words;
  plain[count] = NULL;
  return execvpe(program, plain, environ);
}
