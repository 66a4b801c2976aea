#!/bin/sh
# usage: same.sh FILE: waits for two more lines in the file, and fails unless all of its lines are the same.
set -e
before=$(wc -l <"$1")
timeout 300 sh -c "until [ \$(wc -l <$1) -ge $((before + 2)) ]; do sleep 1; done"
test "$(sort -u "$1" | wc -l)" = 1
