// Changes the tree of make.h, below the working folder, in all ways: among others, each kind of entry becomes each other kind.
#include "make.h"

// Writes other contents with the same size and the same time.
static void changed_secretly(const char *path) {
  struct stat before;
  must(stat(path, &before));
  data(path, "NEW", 3, 0);
  struct timespec times[2] = {before.st_atim, before.st_mtim};
  must(utimensat(AT_FDCWD, path, times, 0));
}

// The attribute may be missing: of all attributes an image keeps only file capabilities.
static void without(const char *path, const char *attribute) {
  if (lremovexattr(path, attribute) && errno != ENODATA) failed(__LINE__, attribute);
}

static void change_kinds(void) {
  for (int from = 0; from < kinds; from++)
    for (int to = 0; to < kinds; to++) {
      char path[64];
      snprintf(path, sizeof path, "kinds/%s-%s", kind_names[from], kind_names[to]);
      removed(path);
      kind(path, to, 1);
    }
  removed("special/null");
  text("special/null", "not null");
  must(chmod("special/fifo", 0));
  must(chown("special/block", 0, 7));
  without("special/block", access_acl);
}

static void change_attributes(void) {
  changed_secretly("files/mode7");
  must(chmod("files/mode0", 04000));
  must(chmod("files/mode5", 0600));
  must(chmod("files/folder0", 02770));
  must(chown("files/folder1", 5, 6));
  dated("files/folder2", 5, 5);
  dated("files/mode6", 1000000000, 1);
  // A change of owner removes capabilities and set-ID bits, so they are set again.
  must(chown("files/capable", 77, 77));
  capability("files/capable", 1 << 10);
  must(chown("files/capable-and-owned", 0, 0));
  must(chmod("files/capable-and-owned", 06755));
  must(chown("files/mode2", 88, 88));
  must(chmod("files/mode2", 04755));
  without("files/noted", "user.note");
  note("files/noted", "user.new", "new");
  note("files/noted", "trusted.note", "other");
  without("files/noted", "security.note");
  static char large[3000];
  memset(large, 'w', sizeof large);
  attribute("files/noted-long", "user.long", large, sizeof large);
  without("files/shared", access_acl);
  without("files/sharing", default_acl);
  acl("files/sharing/before", access_acl, 5, 7);
  acl("files/sharing/after", access_acl, 5, 1);
  acl("files/sharing/folder", default_acl, 5, 1);
  capability("files/nobody", 1);
}

static void change_holes(void) {
  data("holes/all", "data", 4, LARGEST_HOLE / 2);
  must(truncate("holes/begin", 5));
  must(truncate("holes/middle", 32 << 20));
  holes("holes/filled", 1 << 20, 1 << 19);
  int file = open("holes/emptied", O_WRONLY);
  must(file);
  must(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
  must(close(file));
}

static void change(void) {
  change_kinds();
  change_attributes();
  removed("names/caf\xe9");
  text("names/\xe9\n", "new");
  renamed("names/#x", "names/;y");
  removed("folders/a\nb");
  text("folders/a\nb", "a file");
  removed("links/0");
  must(symlink("/etc/passwd", "links/0"));
  dated("links/2", 1, 1);
  must(lchown("links/3", 5, 5));
  without("links/1", "trusted.note");
  renamed("moves/away", "moves/moved");
  removed("moves/anew");
  folder("moves/anew");
  text("moves/anew/new", "new");
  removed("moves/taken");
  renamed("moves/one", "moves/taken");
  renamed("moves/other", "moves/one");
  renamed("moves/taken", "moves/other");
  removed("hard/a/0");
  text("hard/a/0", "twenty names");
  removed("hard/b/3");
  must(link("hard/lone", "hard/b/3"));
  data("hard/b/1", "TWENTY", 6, 0);
  removed("deep");
  removed("empty");
  must(mkfifo("empty", 0600));
  if (access("holes", F_OK) == 0) change_holes();
}
