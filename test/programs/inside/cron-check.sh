#!/bin/sh
# Fails unless a job starts within a minute, and one has started in every minute.
set -e
cd /home/app
before=$(wc -l <starts)
timeout 70 sh -c "until [ \$(wc -l <starts) -gt $before ]; do sleep 1; done"
awk '{ minute = int($1 / 60); if (NR > 1 && minute != last + 1) exit 1; last = minute }' starts
