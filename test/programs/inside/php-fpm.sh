#!/bin/sh
# nginx in front of PHP-FPM, with Debian's pool.
set -e
cp /opt/count.php /var/www/html
cat >/etc/nginx/sites-available/default <<'CONF'
server {
	listen 80;
	root /var/www/html;
	location ~ \.php$ {
		include snippets/fastcgi-php.conf;
		fastcgi_pass unix:/run/php/php8.4-fpm.sock;
	}
}
CONF
mkdir -p /run/php
php-fpm8.4 --daemonize
exec nginx -g 'daemon off;'
