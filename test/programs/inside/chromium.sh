#!/bin/sh
# A browser without a window, whose debugging port is open.
export HOME=/tmp
exec chromium-headless-shell --no-sandbox --disable-gpu --remote-debugging-address=0.0.0.0 --remote-debugging-port=9222 \
  --remote-allow-origins='*' about:blank
