# A part of other scripts: nginx on port 8080, with a page of numbers.
seq -s ' ' 30000 >/var/www/html/numbers.txt
sed -i 's/listen 80 /listen 8080 /; s/listen \[::\]:80 /listen [::]:8080 /' /etc/nginx/sites-available/default
nginx
