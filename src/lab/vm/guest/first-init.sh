#!/bin/sh
# The first process of a virtual machine, in the read-only root that all of them share: lays the host's own disk over it,
# as host.sh does for a host in namespaces, and goes on there.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
modprobe -a virtio_pci virtio_blk overlay
until [ -b /dev/vda ]; do sleep 0.1; done
mount /dev/vda /mnt
root=/mnt/root
mount -t overlay overlay -o "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work" "$root"
for part in docker containerd containers godwit; do
	mkdir -p "$root/var/lib/$part"
	mount --bind "/mnt/$part" "$root/var/lib/$part"
done
mount -t proc proc "$root/proc"
mkdir -p "$root/.old"
cd "$root"
busybox pivot_root . .old
umount -l /.old
exec sh /opt/lab/init.sh
