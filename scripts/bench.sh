#!/bin/sh
# Everything that `npm run bench` does: the set-up of this machine, then the measurements of bench/.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
for node in node_modules/node-linux-*/bin/node; do
	exec "$node" --disable-warning=ExperimentalWarning bench/bench.ts "$@"
done
