#!/bin/sh
# usage: keep-ssh.sh LAN_PID FOLDER
# Keeps one ssh connection into a virtual machine open. Commands go through it, and the machine's sockets appear in FOLDER.
# Writes FOLDER/ssh.pid: "PID STARTTIME".
set -eu
# shellcheck disable=SC2016 # expanded by the inner shell
exec nsenter --target "$1" --net sh -euc '
	folder=$1
	read -r stat </proc/self/stat
	pid=${stat%% *}
	set -- ${stat##*) }
	shift 19
	echo "$pid $1" >"$folder/ssh.pid.new"
	mv "$folder/ssh.pid.new" "$folder/ssh.pid"
	while :; do
		# A killed ssh leaves its socket behind, and the next ssh would not replace it.
		rm -f "$folder/ssh"
		ssh -F "$folder/ssh_config" -M -N machine </dev/null || true
		sleep 0.3
	done
' keep-ssh "$2"
