#!/bin/sh
# usage: lan.sh PIDFILE ADDRESS CONTROL_ADDRESS
# Keeps a lab's LAN: a network namespace that exists as long as this process. It has two bridges: lan0, the hosts' LAN, and
# control0, over which the lab reaches virtual machines even while the LAN is cut or limited.
set -eu
# shellcheck disable=SC2016 # expanded by the inner shell
exec unshare --net sh -euc '
	ip link set lo up
	ip link add lan0 type bridge
	ip addr add "$2" dev lan0
	ip link set lan0 up
	ip link add control0 type bridge
	ip addr add "$3" dev control0
	ip link set control0 up
	read -r stat </proc/self/stat
	pid=${stat%% *}
	file=$1
	set -- ${stat##*) }
	shift 19
	echo "$pid $1" >"$file.new"
	mv "$file.new" "$file"
	exec sleep infinity
' lan "$@"
