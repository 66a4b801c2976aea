#!/bin/sh
# usage: services-check.sh runit|s6: fails unless each service has counted without a gap, and starts again when it is killed.
set -e
for user in www-data games backup; do
  cp "/var/log/services/$user/current" /tmp/numbers
  seq "$(wc -l </tmp/numbers)" | cmp - /tmp/numbers
  before=$(pgrep -u "$user" -f /opt/count.sh)
  case $1 in
    runit) sv kill "/srv/services/$user" ;;
    s6) s6-svc -k "/srv/services/$user" ;;
  esac
  timeout 20 sh -c "while [ \$(pgrep -u $user -f /opt/count.sh || echo $before) = $before ]; do sleep 1; done"
done
