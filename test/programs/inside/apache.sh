#!/bin/sh
# usage: apache.sh event|prefork: Debian's configuration. With prefork it runs PHP itself.
set -e
seq -s ' ' 30000 >/var/www/html/numbers.txt
cp /opt/count.php /var/www/html
case $1 in
event)
    a2dismod -q 'php*' mpm_prefork
    a2enmod -q mpm_event
    ;;
prefork)
    a2dismod -q mpm_event
    a2enmod -q mpm_prefork 'php*'
    ;;
esac
exec apache2ctl -D FOREGROUND
