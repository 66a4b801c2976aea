#!/bin/sh
# Writes a number ten times a second.
i=0
while true; do
  i=$((i + 1))
  echo "$i"
  sleep 0.1
done
