/* Compares two reports of write_json. */
#include "census.h"

struct line {
  char *name, *value;
};

static char *string_at(char **at) {
  char *from = strchr(*at, '"');
  if (!from) return NULL;
  char *to = ++from;
  while (*to && *to != '"') to += *to == '\\' && to[1] ? 2 : 1;
  if (!*to) return NULL;
  *to = 0;
  *at = to + 1;
  return from;
}

static size_t read_report(const char *path, struct line **lines) {
  size_t size = 0, count = 0;
  FILE *file = fopen(path, "r");
  char *all = calloc(1, 8 * 1024 * 1024);
  *lines = calloc(8192, sizeof **lines);
  if (!all || !*lines) return 0;
  if (!file) {
    perror(path);
    return 0;
  }
  size = fread(all, 1, 8 * 1024 * 1024 - 1, file);
  all[size] = 0;
  fclose(file);
  for (char *at = all, *name, *value; count < 8192 && (name = string_at(&at)) && (value = string_at(&at)); count++)
    (*lines)[count] = (struct line){name, value};
  return count;
}

static const char *value_of(const struct line *lines, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (strcmp(lines[i].name, name) == 0) return lines[i].value;
  return NULL;
}

int compare_reports(const char *before, const char *after) {
  struct line *old, *new;
  size_t old_count = read_report(before, &old), new_count = read_report(after, &new);
  for (size_t i = 0; i < old_count; i++) {
    const char *value = value_of(new, new_count, old[i].name);
    if (strncmp(old[i].value, "unset: ", 7) == 0) printf("unset %s: %s\n", old[i].name, old[i].value + 7);
    else if (!value) printf("missing %s\n", old[i].name);
    else if (strcmp(value, old[i].value) == 0) printf("kept %s\n", old[i].name);
    else printf("changed %s: %s -> %s\n", old[i].name, old[i].value, value);
  }
  for (size_t i = 0; i < new_count; i++)
    if (!value_of(old, old_count, new[i].name)) printf("added %s: %s\n", new[i].name, new[i].value);
  return 0;
}
