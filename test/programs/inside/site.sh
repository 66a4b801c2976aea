#!/bin/sh
# usage: site.sh COMMAND...: makes a page with numbers for a web server, and becomes the command.
set -e
seq -s ' ' 30000 >/var/www/html/numbers.txt
exec "$@"
