/*
 * usage: census run [--only AREA,AREA] [--with AREA,AREA] [--without AREA,AREA] | census areas | census compare BEFORE.json AFTER.json
 * Gives every property that Linux lets a process have a value that is not the default, prints "ready", and reports them when asked: for
 * a file $CENSUS_DIR/ask (default /census) it writes $CENSUS_DIR/report.json. For a file drain, it also reads queues for real.
 */
#include "census.h"
#include <sys/stat.h>
#include <time.h>

static const struct area *const lists[] = {socket_areas, ip_areas,     tcp_areas,      udp_areas,    unix_areas,     link_areas,
                                           pipe_areas,   file_areas,   lock_areas,     event_areas,  timer_areas,    thread_areas,
                                           memory_areas, policy_areas, prctl_areas,    sched_areas,  identity_areas, guard_areas,
                                           limit_areas,  signal_areas, terminal_areas, job_areas,    place_areas,    sysv_areas,
                                           posix_areas,  clock_areas,  refused_areas,  foreign_areas};

static const char *only, *with, *without;

static bool names(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
    if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length])) return true;
  return false;
}

static bool wanted(const struct area *area) {
  if (names(without, area->name)) return false;
  if (only) return names(only, area->name);
  return !area->optional || names(with, area->name);
}

static void each_area(void (*act)(const struct area *), bool own) {
  for (size_t i = 0; i < COUNT(lists); i++)
    for (const struct area *area = lists[i]; area->name; area++)
      if (area->own == own && wanted(area)) act(area);
}

static void give(const struct area *area) { area->give(); }
static void tell_area(const struct area *area) { area->tell(); }
static void start(const struct area *area) { start_helper(area); }

static void report(void) {
  static char room[4 * 1024 * 1024];
  ask_helpers();
  begin_report(room, sizeof room);
  /* First, because a drain empties what is held. */
  tell_held();
  each_area(tell_area, false);
  size_t used = end_report();
  used += take_answers(room + used, sizeof room - used);
  write_json(path_in_folder("report.json"), room, used);
}

static int run(void) {
  mkdir(folder, 0755);
  /* Before the descriptors of this process exist, so that the helpers do not hold them too. */
  each_area(start, true);
  each_area(give, false);
  printf("ready\n");
  fflush(stdout);
  while (true) {
    draining = unlink(path_in_folder("drain")) == 0;
    if (unlink(path_in_folder("ask")) == 0 || draining) report();
    nanosleep(&(struct timespec){0, 50 * 1000 * 1000}, NULL);
  }
  return 0;
}

static int list(void) {
  for (size_t i = 0; i < COUNT(lists); i++)
    for (const struct area *area = lists[i]; area->name; area++)
      printf("%-24s %-8s %s\n", area->name, area->optional ? "optional" : "default", area->about ? area->about : "");
  return 0;
}

int main(int argc, char **argv) {
  const char *set = getenv("CENSUS_DIR");
  folder = set && *set ? set : "/census";
  const char *command = argc > 1 ? argv[1] : "";
  if (strcmp(command, "areas") == 0) return list();
  if (strcmp(command, "compare") == 0 && argc == 4) return compare_reports(argv[2], argv[3]);
  bool good = strcmp(command, "run") == 0 && argc % 2 == 0;
  for (int i = 2; good && i < argc; i += 2) {
    if (strcmp(argv[i], "--only") == 0) only = argv[i + 1];
    else if (strcmp(argv[i], "--with") == 0) with = argv[i + 1];
    else if (strcmp(argv[i], "--without") == 0) without = argv[i + 1];
    else good = false;
  }
  if (good) return run();
  fprintf(stderr, "usage: census run [--only AREA,AREA] [--with AREA,AREA] [--without AREA,AREA]\n"
                  "       census areas\n       census compare BEFORE.json AFTER.json\n");
  return 2;
}
