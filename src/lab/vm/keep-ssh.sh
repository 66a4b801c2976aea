#!/bin/sh
# usage: keep-ssh.sh CGROUP LAN_PID FOLDER
# Keeps one ssh connection into a virtual machine: commands go through it, and sockets in it appear in FOLDER.
set -eu
echo 0 >"$1/init/cgroup.procs"
lan=$2 folder=$3
read -r stat </proc/self/stat
pid=${stat%% *}
# shellcheck disable=SC2086 # the fields after the command's name; the 20th is the start time
set -- ${stat##*) }
shift 19
echo "$pid $1" >"$folder/ssh.pid.new"
mv "$folder/ssh.pid.new" "$folder/ssh.pid"
while :; do
	nsenter --target "$lan" --net ssh -F "$folder/ssh_config" -M -N machine </dev/null || true
	sleep 0.3
done
