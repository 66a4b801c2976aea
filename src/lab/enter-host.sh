#!/bin/sh
# usage: enter-host.sh CGROUP FOLDER ROOT CHECKOUT NAME
# Starts a host: makes its namespaces and hands over to host.sh, which becomes its init.
set -eu
cgroup=$1
# The cgroup namespace's root is where its first process is, so it starts in the host's cgroup and moves to the leaf then.
echo 0 >"$cgroup/cgroup.procs"
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --cgroup sh -c '
	echo 0 >"$1/init/cgroup.procs"
	exec unshare --mount --pid --fork --net --uts --ipc sh "$(dirname "$0")/host.sh" "$@"
' "$0" "$@"
