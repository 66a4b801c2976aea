#!/bin/sh
# usage: lan.sh CGROUP PIDFILE ADDRESS
# The keeper of a lab's LAN: a network namespace with one bridge in it, which lives as long as this process does.
set -eu
echo 0 >"$1/lan/cgroup.procs"
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --net sh -euc '
	ip link set lo up
	ip link add lan0 type bridge
	ip addr add "$2" dev lan0
	ip link set lan0 up
	read -r stat </proc/self/stat
	pid=${stat%% *}
	file=$1
	set -- ${stat##*) }
	shift 19
	echo "$pid $1" >"$file.new"
	mv "$file.new" "$file"
	exec sleep infinity
' lan "$2" "$3"
