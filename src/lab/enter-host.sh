#!/bin/sh
# usage: enter-host.sh CGROUP FOLDER ROOT CHECKOUT NAME
# Starts a host: makes its namespaces and hands over to host.sh, which becomes its init.
# The cgroup namespace's root is where its first process is, so this is called in the host's CGROUP and moves to the leaf then.
set -eu
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --cgroup sh -c '
	echo 0 >"$1/init/cgroup.procs"
	exec unshare --mount --pid --fork --net --uts --ipc sh "$(dirname "$0")/host.sh" "$@"
' "$0" "$@"
