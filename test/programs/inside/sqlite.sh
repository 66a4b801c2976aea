#!/bin/sh
# Keeps the shell of SQLite open and has it write a row a hundred times a second.
cd /tmp
sqlite3 app.db 'PRAGMA journal_mode = WAL; CREATE TABLE row (id INTEGER PRIMARY KEY, text TEXT NOT NULL)'
i=0
while true; do
  i=$((i + 1))
  echo "INSERT INTO row VALUES ($i, hex(zeroblob(500)) || $i);"
  sleep 0.01
done | sqlite3 -bail -cmd '.timeout 10000' app.db
