#!/bin/sh
# Everything that `npm test` does: the set-up of this machine, then every check and test. With --vm or --full also those in virtual machines.
set -eu
cd "$(dirname "$0")/.."
case " $* " in
*" --vm "* | *" --full "*) sh scripts/setup.sh --vm ;;
*) sh scripts/setup.sh ;;
esac
for node in node_modules/node-linux-*/bin/node; do
	exec "$node" --disable-warning=ExperimentalWarning scripts/test.ts "$@"
done
