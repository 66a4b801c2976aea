#!/bin/sh
# usage: services.sh runit|s6: three services that count, each as another user and with a logger.
set -e
case $1 in
  runit) as='chpst -u' log='svlogd' run=runsvdir ;;
  s6) as='s6-setuidgid' log='s6-log n3 s1000000' run=s6-svscan ;;
esac
for user in www-data games backup; do
  folder=/srv/services/$user
  mkdir -p "$folder/log" "/var/log/services/$user"
  chown "$user" "/var/log/services/$user"
  printf '#!/bin/sh\nexec %s %s sh /opt/count.sh\n' "$as" "$user" >"$folder/run"
  printf '#!/bin/sh\nexec %s %s %s /var/log/services/%s\n' "$as" "$user" "$log" "$user" >"$folder/log/run"
  chmod +x "$folder/run" "$folder/log/run"
done
exec $run /srv/services
