#!/bin/sh
# usage: assemble.sh ROOT KERNEL FIRST_INIT INTO
# Makes what virtual machines boot from out of a host's root and the unpacked kernel package: INTO/vmlinuz and
# INTO/root.img. Debian builds NVMe and ext4 into this kernel, so it needs no initial RAM disk.
set -eu
root=$1 kernel=$2 first_init=$3 into=$4
version=$(ls "$kernel/lib/modules")
mkdir -p "$into/usr/bin" "$root/usr/lib/modules"
cp "$kernel/boot/vmlinuz-$version" "$into/vmlinuz"
mv "$kernel/lib/modules/$version" "$root/usr/lib/modules/"
chroot "$root" depmod "$version"
install -m 755 "$first_init" "$root/sbin/lab-init"
# sshd starts it for every command of the lab; it is much quicker than bash.
sed -i 's,^\(root:.*:\)/bin/bash$,\1/bin/sh,' "$root/etc/passwd"
# The test image busybox is made of it.
cp "$root/usr/bin/busybox" "$into/usr/bin/"
# Never written to: no journal, and no room for more.
size=$(($(du -sm "$root" | cut -f 1) * 12 / 10 + 64))
mke2fs -q -t ext4 -O ^has_journal -m 0 -E assume_storage_prezeroed=1 -d "$root" "$into/root.img" "${size}M"
