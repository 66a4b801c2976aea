#include "state.h"

void hex_write(FILE *to, const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) fprintf(to, "%02x", ((const unsigned char *)bytes)[i]);
}

static int digit(char of) {
  if (of >= '0' && of <= '9') return of - '0';
  return of >= 'a' && of <= 'f' ? of - 'a' + 10 : -1;
}

ssize_t hex_read(const char *text, void *bytes, size_t most) {
  size_t count = 0;
  for (; *text && *text != ' ' && *text != '\n'; text += 2) {
    int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
    if (low < 0 || count == most) return -1;
    ((unsigned char *)bytes)[count++] = (unsigned char)(high << 4 | low);
  }
  return (ssize_t)count;
}
