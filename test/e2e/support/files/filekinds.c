// filekinds make FOLDER...: makes each of these folders, with a tree that has every kind of entry.
// filekinds change FOLDER...: changes these trees in all ways.
// filekinds hold FOLDER...: in each folder listens on a socket and holds a deleted file open. Counts as long as the files read right.
#include "change.h"

static int in(char *path) {
  int here = open(".", O_RDONLY);
  must(here);
  must(chdir(path));
  return here;
}

static void back(int here) {
  must(fchdir(here));
  must(close(here));
}

static int held(const char *path) {
  int file = open(path, O_RDWR | O_CREAT, 0600);
  must(file);
  must(pwrite(file, "still here", 10, 0));
  must(unlink(path));
  return file;
}

static void listening(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "live/socket"};
  folder("live");
  int it = socket(AF_UNIX, SOCK_STREAM, 0);
  must(it);
  must(bind(it, (struct sockaddr *)&address, sizeof address));
  must(listen(it, 5));
  must(chown("live/socket", 1234, 4321));
  must(chmod("live/socket", 0760));
}

int main(int argc, char **argv) {
  umask(0022);
  if (argc < 3) return 2;
  int files[8], count = 0;
  for (int i = 2; i < argc; i++) {
    if (!strcmp(argv[1], "make")) must(mkdir(argv[i], 0751));
    int here = in(argv[i]);
    if (!strcmp(argv[1], "make")) make();
    if (!strcmp(argv[1], "change")) change();
    if (!strcmp(argv[1], "hold")) {
      listening();
      files[count++] = held("live/held");
    }
    back(here);
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int number = 0; count > 0; number++) {
    for (int i = 0; i < count; i++) {
      char bytes[10] = {0};
      if (pread(files[i], bytes, 10, 0) != 10 || memcmp(bytes, "still here", 10)) return 6;
    }
    printf("%d\n", number);
    usleep(100 * 1000);
  }
}
