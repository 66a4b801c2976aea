// Makes a tree with every kind of entry, below the working folder.
#include "kinds.h"

// Docker keeps no holes in an image, and loads links of before 1970 with a time of 1970.
static int in_image(void) { return getenv("IMAGE") != NULL; }

static void make_names(void) {
  static char longest[256], longest_bytes[256];
  memset(longest, 'n', 255);
  memset(longest_bytes, 0xe9, 255);
  const char *const names[] = {"caf\xe9",   "\xff\xfe", "\xc3\xbc", longest,    longest_bytes, "a\nb",      "\n",  "-x",  "--delete",
                               "#x",        ";x",       " ",        " leading", "trailing ",   "back\\slash", "back\\#012", "...", "..x",
                               "[x]*?",     "%41",      "$(x)",     "'\"`",     "\t",          "\x01\x7f",  "~x",  "x~",  ".x.aB3dE9",
                               ".rsync-filter", ".cvsignore", "core", "x:y", "@x", "@LongLink", "lost+found", ".nfs1"};
  must(mkdir("names", 0755));
  must(mkdir("folders", 0755));
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[600];
    snprintf(path, sizeof path, "names/%s", names[i]);
    text(path, names[i]);
    snprintf(path, sizeof path, "folders/%s", names[i]);
    folder(path);
    snprintf(path, sizeof path, "folders/%s/%s", names[i], names[i]);
    must(symlink(names[i], path));
  }
  char deep[3000] = "deep";
  folder(deep);
  for (int i = 0; i < 11; i++) {
    strcat(strcat(deep, "/"), longest);
    folder(deep);
  }
  text(strcat(deep, "/end"), "deep");
}

static void make_links(void) {
  static char far[4001], self[] = "link";
  for (size_t i = 0; i < sizeof far - 1; i++) far[i] = "../abcde"[i % 8];
  const char *const targets[] = {"/etc/hosts", "../../etc/hosts", "../../../x", "../../../../../../../../..", "/var/lib/x", "/", ".", "..", "no/such",
                                 "//double//slash/", "./x/../y/", "trailing/", "caf\xe9\n", " ", "/rsyncd-munged/x", "\\#012", "-x", "/proc/self/root", far, self};
  folder("links");
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    char path[64];
    snprintf(path, sizeof path, "links/%zu", i);
    must(symlink(targets[i], path));
    must(lchown(path, 1000 + i, 2000 + i));
    dated(path, (in_image() ? 3000000000 : 1000000000) - 100000000 * (long long)i, 123456789 + i);
  }
  must(link("links/0", "links/same"));
  note("links/1", "trusted.note", "of a link");
}

static void make_files(void) {
  static char large[3000];
  memset(large, 'v', sizeof large);
  text("files/empty", "");
  const mode_t modes[] = {0, 0111, 04755, 02755, 06711, 07777, 01600, 0444};
  const long long times[] = {-1, -86400LL * 365 * 60, 0, 1, 1LL << 31, 1LL << 33, 1000000000, -2000000000};
  for (int i = 0; i < 8; i++) {
    char path[64];
    snprintf(path, sizeof path, "files/mode%d", i);
    text(path, path);
    must(chown(path, i % 2 ? 1234 : 0, i % 3 ? 4321 : 0));
    must(chmod(path, modes[i]));
    dated(path, times[i], i % 2 ? 999999999 : i);
    snprintf(path, sizeof path, "files/folder%d", i);
    folder(path);
    strcat(path, "/in");
    text(path, path);
    *strrchr(path, '/') = 0;
    must(chown(path, i % 2 ? 1234 : 0, i % 3 ? 4321 : 0));
    must(chmod(path, modes[i]));
    dated(path, times[i], i % 2 ? 999999999 : i);
  }
  text("files/nobody", "owners have 32 bits");
  must(chown("files/nobody", 4294967294u, 4294967293u));
  text("files/capable", "capable");
  capability("files/capable", 1 << 10);
  text("files/capable-and-owned", "capable");
  must(chown("files/capable-and-owned", 1234, 4321));
  must(chmod("files/capable-and-owned", 06755));
  capability("files/capable-and-owned", 1 << 13);
  text("files/noted", "noted");
  note("files/noted", "user.note", "kept");
  note("files/noted", "user.empty", "");
  attribute("files/noted", "user.binary", "\0\xff\n", 3);
  note("files/noted", "user.with space\n=\xe9", "name");
  note("files/noted", "user.rsync.%stat", "100644 0,0 0:0");
  note("files/noted", "trusted.note", "kept");
  note("files/noted", "security.note", "kept");
  text("files/noted-long", "noted");
  attribute("files/noted-long", "user.long", large, sizeof large);
  text("files/shared", "ACL");
  acl("files/shared", access_acl, 1234, 4);
  folder("files/sharing");
  text("files/sharing/before", "has no ACL");
  acl("files/sharing", default_acl, 1234, 6);
  acl("files/sharing", access_acl, 99999, 7);
  text("files/sharing/after", "has inherited one");
  folder("files/sharing/folder");
  note("files/sharing/folder", "trusted.note", "of a folder");
  note("files/sharing", "user.note", "of a folder");
}

static void make_kinds(void) {
  char path[64];
  folder("kinds");
  for (int from = 0; from < kinds; from++)
    for (int to = 0; to < kinds; to++) {
      snprintf(path, sizeof path, "kinds/%s-%s", kind_names[from], kind_names[to]);
      kind(path, from, 0);
    }
  folder("special");
  device("special/null", S_IFCHR, 1, 3);
  device("special/large", S_IFCHR, 4095, 1048575);
  device("special/block", S_IFBLK, 259, 77777);
  // Overlay uses this device as a whiteout, so it refuses to make one.
  if (mknod("special/whiteout", S_IFCHR, 0) && errno != EPERM) failed(__LINE__, "whiteout");
  must(mkfifo("special/fifo", 0604));
  dead_socket("special/socket");
  const char *const names[] = {"null", "fifo", "socket", "block"};
  for (size_t i = 0; i < 4; i++) {
    char other[64];
    snprintf(path, sizeof path, "special/%s", names[i]);
    snprintf(other, sizeof other, "special/same-%s", names[i]);
    must(link(path, other));
    must(chown(path, 1234, 4321));
    must(chmod(path, 02710));
    note(path, "trusted.note", "special");
    acl(path, access_acl, 1234, 2);
    dated(path, -5, 5);
  }
}

static void make_holes(void) {
  if (in_image()) return;
  folder("holes");
  holes("holes/all", LARGEST_HOLE, -1);
  holes("holes/begin", 16 << 20, 0);
  holes("holes/middle", 16 << 20, 8 << 20);
  holes("holes/end", (16 << 20) + 4096, 16 << 20);
  holes("holes/filled", 1 << 20, 0);
  holes("holes/emptied", 8192, 4096);
  data("holes/emptied", "full", 4, 0);
}

static void make(void) {
  const char *const folders[] = {"files", "hard", "hard/a", "hard/b", "moves", "moves/away", "moves/anew", "moves/taken", "moves/one", "moves/other", "empty"};
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) folder(folders[i]);
  make_names();
  make_links();
  make_files();
  make_kinds();
  make_holes();
  text("hard/a/0", "twenty names");
  for (int i = 1; i < 20; i++) {
    char path[64];
    snprintf(path, sizeof path, "hard/%s/%d", i % 2 ? "b" : "a", i);
    must(link("hard/a/0", path));
  }
  text("hard/lone", "twenty names");
  for (int i = 5; i < 10; i++) {
    char path[64];
    snprintf(path, sizeof path, "%s/in", folders[i]);
    kind(path, 1, i);
  }
  must(chmod("empty", 01777));
  dated("empty", -86400, 1);
}
