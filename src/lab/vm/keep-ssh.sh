#!/bin/sh
# usage: keep-ssh.sh LAN_PID FOLDER
# Keeps one ssh connection into a virtual machine: commands go through it, and sockets in it appear in FOLDER. Gets the file
# ssh.pid there: "PID STARTTIME".
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
		# One that was killed leaves its socket, and the next one would not take its place.
		rm -f "$folder/ssh"
		ssh -F "$folder/ssh_config" -M -N machine </dev/null || true
		sleep 0.3
	done
' keep-ssh "$2"
