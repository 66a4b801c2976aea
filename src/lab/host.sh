#!/bin/sh
# usage: host.sh CGROUP FOLDER ROOT CHECKOUT NAME
# Runs as the first process of a host's namespaces: mounts its file systems, pivots into them, becomes its init.
# FOLDER holds the host's disk (upper, docker, containerd, ...) and gets the file pid: "PID STARTTIME".
set -eu
folder=$2 lower=$3 checkout=$4 name=$5
root=$folder/root

# The old /proc still shows the machine's process ids, so this is the process id on the machine.
read -r stat </proc/self/stat
pid=${stat%% *}
# shellcheck disable=SC2086 # the fields after the command's name; the 20th is the start time
set -- ${stat##*) }
shift 19
echo "$pid $1" >"$folder/pid.new"
mv "$folder/pid.new" "$folder/pid"

mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$root"
# Docker and CRIU keep their files on a real disk: Docker's overlays cannot lie on another overlay.
for part in docker containerd containers godwit; do
	mkdir -p "$folder/$part" "$root/var/lib/$part"
	mount --bind "$folder/$part" "$root/var/lib/$part"
done
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"

mkdir -p "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/net"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
for node in null zero full random urandom tty userfaultfd net/tun; do
	[ -e "/dev/$node" ] || continue
	: >"$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for fd in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${fd%:*}" "$root/dev/${fd#*:}"; done

for part in bin dist runtime src package.json "node_modules/node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')"; do
	from=$checkout/$part to=$root/opt/godwit/$part
	[ -e "$from" ] || continue
	if [ -d "$from" ]; then mkdir -p "$to"; else mkdir -p "$(dirname "$to")" && : >>"$to"; fi
	mount --bind "$from" "$to"
	mount -o remount,bind,ro "$to"
done

hostname "$name"
ip link set lo up
mkdir -p "$root/run/lab" "$root/.old"
cp "$(dirname "$0")/supervisor.sh" "$root/run/lab/supervisor.sh"
cd "$root"
pivot_root . .old
umount -l /.old

# Docker limits its containers with those controllers that the machine has.
# shellcheck disable=SC2013 # one line of names
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
done
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
	"$(command -v tini || command -v tini-static)" -g -- sh /run/lab/supervisor.sh
