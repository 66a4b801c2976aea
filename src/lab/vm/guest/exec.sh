#!/bin/sh
# usage: exec.sh TOKEN COMMAND...
# Runs a command in a virtual machine. While it runs, /run/lab/exec.TOKEN holds its pid, so that the lab can send it signals.
file=/run/lab/exec.$1
shift
# shellcheck disable=SC2016 # expanded by the inner shell
sh -c 'echo $$ >"$0"; exec "$@"' "$file" "$@"
status=$?
rm -f "$file"
exit $status
