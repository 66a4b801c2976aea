#!/bin/sh
# Everything that `npm test` does: the set-up of this machine, then every check and test.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
for node in node_modules/node-linux-*/bin/node; do
	exec "$node" --disable-warning=ExperimentalWarning scripts/test.ts "$@"
done
