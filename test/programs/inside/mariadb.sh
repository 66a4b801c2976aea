#!/bin/sh
# A server with the database and the user app, in a folder of its own.
set -e
data=/var/lib/mysql/app-data
mariadb-install-db --no-defaults --datadir=$data --auth-root-authentication-method=socket >/dev/null
cat >/tmp/first.sql <<SQL
CREATE USER 'root'@'localhost' IDENTIFIED VIA unix_socket;
CREATE DATABASE app;
CREATE USER app IDENTIFIED BY 'app';
GRANT ALL ON app.* TO app;
SQL
mkdir -p /run/mysqld 2>/dev/null || true
exec mariadbd --datadir=$data --bind-address=0.0.0.0 --init-file=/tmp/first.sql --innodb-buffer-pool-size=128M
