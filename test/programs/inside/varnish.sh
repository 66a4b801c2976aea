#!/bin/sh
# Varnish as Debian starts it, in front of nginx.
set -e
. /opt/origin.sh
# Varnish compiles its configuration. The image lacks the headers of the C library; that of the compiler is enough.
mkdir -p /usr/local/include
echo '#include <stdint-gcc.h>' >/usr/local/include/stdint.h
exec varnishd -F -a :6081 -T localhost:6082 -f /etc/varnish/default.vcl -p feature=+http2 -s malloc,256m
