#!/bin/sh
# usage: lan.sh PIDFILE ADDRESS CONTROL_ADDRESS
# The keeper of a lab's LAN: a network namespace that lives as long as this process does. In it are two bridges: the hosts'
# LAN, and the network over which the lab reaches virtual machines, whatever is cut or limited on the LAN.
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
