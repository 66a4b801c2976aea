#!/bin/sh
# usage: start.sh LAN_PID FOLDER NAME ROOT MEMORY_MIB LAN_MAC CONTROL_MAC
# Starts a host as a virtual machine. The LAN already has its interfaces, NAME and NAME-control.
# FOLDER holds its disk and gets the files pid ("PID STARTTIME") and console.log.
set -eu
lan=$1 folder=$2 name=$3 root=$4 memory=$5 lan_mac=$6 control_mac=$7
read -r stat </proc/self/stat
pid=${stat%% *}
# shellcheck disable=SC2086 # the fields after the command's name; the 20th is the start time
set -- ${stat##*) }
shift 19
echo "$pid $1" >"$folder/pid.new"
mv "$folder/pid.new" "$folder/pid"
# Software emulation only: a guest hangs on the /dev/kvm of some machines. The root is an NVMe disk, because the kernel has
# this driver built in and so needs no initial RAM disk. cache=unsafe: the disk need not survive a power cut of this machine.
exec nsenter --target "$lan" --net qemu-system-x86_64 \
	-name "$name" -accel tcg,thread=multi,tb-size=512 -machine pc -cpu max -smp 2 -m "$memory" \
	-nodefaults -no-user-config -display none -no-reboot -rtc base=utc \
	-kernel "$root/vmlinuz" \
	-append "console=ttyS0 root=/dev/nvme0n1 ro init=/sbin/lab-init quiet panic=-1 mitigations=off tsc=reliable no_timer_check" \
	-serial "file:$folder/console.log" \
	-drive "if=none,id=root,format=raw,readonly=on,file=$root/root.img" \
	-device nvme,drive=root,serial=root \
	-drive "if=none,id=disk,format=raw,cache=unsafe,discard=unmap,file=$folder/disk.img" \
	-device virtio-blk-pci,drive=disk \
	-netdev "tap,id=lan,ifname=$name,script=no,downscript=no" \
	-device "virtio-net-pci,netdev=lan,mac=$lan_mac,romfile=" \
	-netdev "tap,id=control,ifname=$name-control,script=no,downscript=no" \
	-device "virtio-net-pci,netdev=control,mac=$control_mac,romfile="
