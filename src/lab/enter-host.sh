#!/bin/sh
# usage: enter-host.sh CGROUP FOLDER ROOT CHECKOUT NAME
# Starts a host: makes its namespaces, then runs host.sh, which becomes the host's init.
# The caller puts this script into CGROUP, because a new cgroup namespace has the cgroup of its creator as its root. The host's
# processes then move to CGROUP/init: a cgroup that gives controllers to its children may hold no process.
set -eu
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --cgroup sh -c '
	echo 0 >"$1/init/cgroup.procs"
	exec unshare --mount --pid --fork --net --uts --ipc sh "$(dirname "$0")/host.sh" "$@"
' "$0" "$@"
