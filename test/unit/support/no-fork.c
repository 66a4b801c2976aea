// How a host answers a program that would start another one when no memory is left.
#include <errno.h>
#include <spawn.h>
#include <unistd.h>

pid_t fork(void) {
  errno = ENOMEM;
  return -1;
}

pid_t vfork(void) { return fork(); }

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                char *const arguments[], char *const environment[]) {
  (void)pid, (void)path, (void)actions, (void)attributes, (void)arguments, (void)environment;
  return ENOMEM;
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const arguments[], char *const environment[]) {
  return posix_spawn(pid, file, actions, attributes, arguments, environment);
}
