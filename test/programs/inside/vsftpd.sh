#!/bin/sh
# An FTP server for the user app with the password "app".
set -e
useradd -m -s /bin/bash app
echo app:app | chpasswd
mkdir -p /run/vsftpd/empty
cat >/etc/vsftpd.conf <<CONF
listen=YES
listen_ipv6=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
secure_chroot_dir=/run/vsftpd/empty
pam_service_name=vsftpd
CONF
exec vsftpd -obackground=NO /etc/vsftpd.conf
