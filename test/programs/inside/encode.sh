#!/bin/sh
# Encodes the same clip again and again, the first time as fast as it can, then at the speed of the clip. /tmp/results has the checksum
# of each.
set -e
cd /tmp
encode() {
  ffmpeg -nostdin -y -loglevel error -progress pipe:1 "$@" -f lavfi -i testsrc2=size=640x360:rate=25:duration=20 \
    "$@" -f lavfi -i sine=frequency=440:duration=20 -threads 2 -c:v libx264 -preset fast -c:a aac -bitexact clip.mkv >>progress
  sha256sum <clip.mkv >>results
}
encode
while true; do encode -readrate 1; done
