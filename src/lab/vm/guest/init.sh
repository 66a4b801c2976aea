#!/bin/sh
# Prepares a virtual machine, in its own root, before its daemons start: file systems, network, limits.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck disable=SC1091 # NAME ADDRESS GATEWAY CONTROL, written by the lab
. /opt/lab/settings
mount -t sysfs sysfs /sys
mount -t securityfs securityfs /sys/kernel/security
mount -t devtmpfs dev /dev
exec </dev/null >/dev/console 2>&1
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
for fd in 0:stdin 1:stdout 2:stderr; do ln -sf "/proc/self/fd/${fd%:*}" "/dev/${fd#*:}"; done
ln -sfn /proc/self/fd /dev/fd

hostname "$NAME"
modprobe virtio_net
ip link set lo up
ip addr add "$ADDRESS/24" dev eth0
ip addr add "$CONTROL/24" dev eth1
ip link set eth0 up
ip link set eth1 up
ip route add default via "$GATEWAY"
# CRIU's page server needs a pipe of more than 3 MB.
echo 8388608 >/proc/sys/fs/pipe-max-size

for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
	echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || true
done
mkdir -p /sys/fs/cgroup/init
echo 0 >/sys/fs/cgroup/init/cgroup.procs
mkdir -p /run/lab /run/sshd
cp /opt/lab/supervisor.sh /run/lab/supervisor.sh
echo "godwit-lab: $NAME has booted in $(cut -d ' ' -f 1 /proc/uptime) s"
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
	"$(command -v tini || command -v tini-static)" -g -- sh /run/lab/supervisor.sh
