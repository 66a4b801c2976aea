#!/bin/sh
# usage: compress.sh COMMAND...: compresses the same data again and again. /tmp/results has the checksums of what it makes and of what
# comes out of it again.
set -e
cd /tmp
seq 12000000 | head -c 80000000 >data
while true; do
  "$@" <data >packed
  echo "$(sha256sum <packed) $("$1" -d <packed | sha256sum)" >>results
done
