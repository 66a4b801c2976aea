#!/bin/sh
# Unbound with Debian's configuration, for the LAN, and names of its own.
set -e
install -o unbound -g unbound -m 644 /usr/share/dns/root.key /var/lib/unbound/root.key
{
    printf 'server:\ninterface: 0.0.0.0\naccess-control: 10.88.0.0/24 allow\nlocal-zone: "example.org." static\n'
    for i in $(seq 200); do echo "local-data: \"host$i.example.org. A 10.1.0.$i\""; done
} >/etc/unbound/unbound.conf.d/lan.conf
exec unbound -d -p
