#!/bin/sh
# Debian's configuration, and a listener on the LAN without passwords. It starts as root and becomes mosquitto.
set -e
printf 'listener 1883\nallow_anonymous true\n' >/etc/mosquitto/conf.d/lan.conf
install -d -o mosquitto -g mosquitto /var/log/mosquitto /run/mosquitto
exec mosquitto -c /etc/mosquitto/mosquitto.conf
