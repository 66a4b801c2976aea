#!/bin/sh
# Compiles things.erl and runs it as a node with a name, which starts epmd beside it.
set -e
export HOME=/tmp
cd /tmp
erlc /opt/things.erl
exec erl -noinput -sname things -s things
