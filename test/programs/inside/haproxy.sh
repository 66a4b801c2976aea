#!/bin/sh
# HAProxy with Debian's configuration, in front of nginx. After 20 seconds its configuration changes, and it loads the new one.
set -e
. /opt/origin.sh
cat >>/etc/haproxy/haproxy.cfg <<CFG
frontend web
	bind :80
	option idle-close-on-response
	http-response set-header x-version 1
	default_backend nginx
backend nginx
	server nginx 127.0.0.1:8080 check
CFG
mkdir -p /run/haproxy
(
    sleep 20
    sed -i 's/x-version 1/x-version 2/' /etc/haproxy/haproxy.cfg
    kill -USR2 $$
) &
exec haproxy -W -db -f /etc/haproxy/haproxy.cfg -S /run/haproxy-master.sock
