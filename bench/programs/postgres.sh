#!/bin/sh
# PostgreSQL for measurements, in a container of its own user.
#   postgres.sh make MIB          makes a database in /pgdata with pgbench's tables, and with a table of MIB mebibytes of random bytes
#   postgres.sh serve BUFFERS     runs it with so many mebibytes of shared buffers, and fills them with that table. Then it runs the
#                                 ticker, which prints "ready", and measures how long the container stands still
#   postgres.sh load ADDRESS      four clients write to it without a pause, once it answers
set -eu
PATH=/usr/lib/postgresql/17/bin:$PATH
export PGHOST=/tmp PGDATABASE=postgres
settings="-c listen_addresses=* -c unix_socket_directories=/tmp -c fsync=off"

case $1 in
make)
	# A row of 1000 bytes is kept as it is; seven of them fill a page of 8 KiB.
	initdb -D /pgdata --auth trust --no-sync >/dev/null
	echo 'host all all 10.88.0.0/24 trust' >>/pgdata/pg_hba.conf
	pg_ctl -D /pgdata -w -o "$settings -c wal_level=minimal -c max_wal_senders=0" -l /tmp/log start >/dev/null
	pgbench -i -s 2 -q 2>/dev/null
	psql -q -c 'CREATE EXTENSION pgcrypto; CREATE EXTENSION pg_prewarm' -c "CREATE TABLE ballast AS
		SELECT gen_random_bytes(1000) AS random FROM generate_series(1, $2 * 128 * 7)"
	pg_ctl -D /pgdata -w -m fast stop >/dev/null
	;;
serve)
	postgres -D /pgdata $settings -c "shared_buffers=$2MB" &
	until pg_isready -q; do sleep 0.1; done
	psql -q -o /dev/null -c "SELECT pg_prewarm('ballast')"
	exec /bin/ticker 1
	;;
load)
	until pgbench -h "$2" -U postgres -n -c 4 -j 1 -T 3600 -P 5; do sleep 0.2; done
	;;
esac
