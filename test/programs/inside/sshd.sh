#!/bin/sh
# An SSH server for the user app with the password "app".
set -e
useradd -m -s /bin/bash app
echo app:app | chpasswd
mkdir -p /run/sshd
ssh-keygen -A
exec /usr/sbin/sshd -D -e
