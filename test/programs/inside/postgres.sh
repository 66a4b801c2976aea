#!/bin/sh
# usage: postgres.sh SHARED_BUFFERS: a server with the database and the user app, in a folder of its own.
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/app
"$bin/initdb" -D $data --auth-local trust --auth-host scram-sha-256 >/dev/null
echo 'host all all 10.88.0.0/24 scram-sha-256' >>$data/pg_hba.conf
"$bin/pg_ctl" -D $data -w -o '-c listen_addresses=' start >/dev/null
psql -q -c "CREATE USER app PASSWORD 'app'" -c 'CREATE DATABASE app OWNER app' postgres
"$bin/pg_ctl" -D $data -w stop >/dev/null
exec "$bin/postgres" -D $data -c listen_addresses='*' -c shared_buffers="$1"
