/* termios(3), ioctl_tty(2): a pair of pseudo-terminals with a session of its own. */
#include "census.h"
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

static int master, slave, raw_master, raw_slave, packet_master;
static pid_t foreground;

static int open_pair(const char *name, int *other) {
  int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK), unlock = 0;
  if (!given(name, fd)) return -1;
  ioctl(fd, TIOCSPTLCK, &unlock);
  *other = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (*other < 0) *other = open(ptsname(fd), O_RDWR | O_NOCTTY | O_NONBLOCK);
  hold(text("%s.master", name), fd);
  hold(text("%s.slave", name), *other);
  return fd;
}

static void own_group(void) { setpgid(0, 0); }

static void give_terminal(void) {
  setsid();
  signal(SIGTTOU, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  master = open_pair("terminal", &slave);
  given("terminal.controlling", ioctl(slave, TIOCSCTTY, 0));
  foreground = start_child(own_group);
  given("terminal.foreground", tcsetpgrp(slave, foreground));
  struct winsize size = {33, 111, 444, 555};
  given("terminal.size", ioctl(master, TIOCSWINSZ, &size));
  struct termios settings;
  tcgetattr(slave, &settings);
  settings.c_iflag = IGNBRK | INLCR | IXANY | IUTF8;
  settings.c_oflag = OPOST | OCRNL;
  settings.c_cflag = CS7 | CREAD | PARENB | PARODD | HUPCL;
  settings.c_lflag = ISIG | ICANON | ECHOE | NOFLSH | TOSTOP;
  settings.c_cc[VINTR] = 1;
  settings.c_cc[VEOF] = 2;
  settings.c_cc[VERASE] = 5;
  cfsetospeed(&settings, B9600);
  cfsetispeed(&settings, B9600);
  given("terminal.settings", tcsetattr(slave, TCSANOW, &settings));
  raw_master = open_pair("terminal.raw", &raw_slave);
  tcgetattr(raw_slave, &settings);
  cfmakeraw(&settings);
  settings.c_cc[VMIN] = 3;
  settings.c_cc[VTIME] = 7;
  given("terminal.raw.settings", tcsetattr(raw_slave, TCSANOW, &settings));
  given("terminal.TIOCEXCL", ioctl(raw_slave, TIOCEXCL));
  packet_master = open_pair("terminal.packet", &(int){0});
  given("terminal.TIOCPKT", ioctl(packet_master, TIOCPKT, &(int){1}));
}

static void tell_settings(const char *name, int fd) {
  struct termios now;
  char characters[NCCS * 2 + 1] = "";
  if (tcgetattr(fd, &now)) {
    tell_number(text("%s.settings", name), -1);
    return;
  }
  tell(text("%s.settings", name), "i %#x, o %#x, c %#x, l %#x", now.c_iflag, now.c_oflag, now.c_cflag, now.c_lflag);
  for (int i = 0; i < 19; i++) sprintf(characters + 2 * i, "%02x", now.c_cc[i]);
  tell(text("%s.characters", name), "%s", characters);
}

static void tell_terminal(void) {
  struct winsize size = {0};
  int value = 0;
  tell_settings("terminal", slave);
  tell_settings("terminal.raw", raw_slave);
  tell("terminal.size", "%s",
       ioctl(slave, TIOCGWINSZ, &size) ? error_name(errno) : text("%u %u %u %u", size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel));
  pid_t group = tcgetpgrp(slave);
  tell("terminal.foreground", "%s", group < 0 ? error_name(errno) : group == foreground ? "the child" : "another");
  pid_t session = tcgetsid(slave);
  tell("terminal.controlling", "%s", session < 0 ? error_name(errno) : session == getpid() ? "own session" : "another");
  tell("terminal.controlling_device", "%s", strcmp(stat_field(getpid(), 7), "0") ? "some" : "none");
  int own = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  tell("terminal.dev_tty", "%s", own < 0 ? error_name(errno) : "opens");
  if (own >= 0) close(own);
  tell_number("terminal.TIOCEXCL", ioctl(raw_slave, TIOCGEXCL, &value) ? -1 : value);
  tell_number("terminal.TIOCPKT", ioctl(packet_master, TIOCGPKT, &value) ? -1 : value);
  tell_number("terminal.lock", ioctl(master, TIOCGPTLCK, &value) ? -1 : value);
  tell_number("terminal.number", ioctl(master, TIOCGPTN, &value) ? -1 : value);
}

static int queued_master, queued_slave;

static void give_queued(void) {
  struct termios settings;
  queued_master = open_pair("terminal-queued", &queued_slave);
  tcgetattr(queued_slave, &settings);
  cfmakeraw(&settings);
  tcsetattr(queued_slave, TCSANOW, &settings);
  given("terminal-queued.slave.waiting", write(queued_master, "typed", 5));
  given("terminal-queued.master.waiting", write(queued_slave, "printed", 7));
  usleep(50 * 1000);
}

static void tell_queued(void) {
  tell_file_queue("terminal-queued.slave", queued_slave);
  tell_file_queue("terminal-queued.master", queued_master);
}

static int suspended, lone;

static void give_suspended(void) {
  lone = open_pair("terminal-suspended", &suspended);
  given("terminal-suspended.output", tcflow(suspended, TCOOFF));
}

static void tell_suspended(void) {
  char byte;
  int sent = (int)write(suspended, "x", 1);
  usleep(10 * 1000);
  ssize_t got = read(lone, &byte, 1);
  tell("terminal-suspended.output", "%s", sent != 1 || got != 1 ? "suspended" : "flows");
}

const struct area terminal_areas[] = {
    {"terminal", give_terminal, tell_terminal, true, false, "settings, size, foreground group, controlling terminal"},
    {"terminal-queued", give_queued, tell_queued, true, false, "unread bytes of a terminal"},
    {"terminal-suspended", give_suspended, tell_suspended, true, false, "TCOOFF"},
    {0},
};
