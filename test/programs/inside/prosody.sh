#!/bin/sh
# Debian's configuration, and the host example.org, where everybody may log in.
set -e
cat >/etc/prosody/conf.d/example.cfg.lua <<LUA
VirtualHost "example.org"
    authentication = "anonymous"
    c2s_require_encryption = false
LUA
install -d -o prosody -g prosody /run/prosody
exec setpriv --reuid prosody --regid prosody --init-groups prosody -F
