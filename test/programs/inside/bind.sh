#!/bin/sh
# BIND with Debian's configuration, and a zone of its own.
set -e
cat >/etc/bind/db.example.org <<'ZONE'
$TTL 1h
@ SOA ns admin 1 1h 1h 1h 1h
@ NS ns
ns A 10.88.0.77
$GENERATE 1-200 host$ A 10.1.0.$
ZONE
echo 'zone "example.org" { type primary; file "/etc/bind/db.example.org"; };' >>/etc/bind/named.conf.local
install -d -o root -g bind -m 775 /run/named
exec named -f -u bind
