#!/bin/sh
# Everything that `npm run demo` does: the set-up of this machine, then a container that moves.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
for node in node_modules/node-linux-*/bin/node; do
	exec "$node" --disable-warning=ExperimentalWarning scripts/demo.ts
done
