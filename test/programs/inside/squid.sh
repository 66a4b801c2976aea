#!/bin/sh
# Squid with Debian's configuration, for the LAN, and nginx to fetch from.
set -e
. /opt/origin.sh
echo 'http_access allow localnet' >/etc/squid/conf.d/lan.conf
exec squid --foreground -YC
