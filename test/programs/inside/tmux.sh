#!/bin/sh
# A tmux server of the user app, with a client that shows it on a terminal of its own.
useradd -m -s /bin/bash app
exec su - app -c '
  export TERM=xterm
  tmux new-session -d -s work -x 120 -y 40
  tail -f /dev/null | python3 -c "import pty; pty.spawn([\"tmux\", \"attach\", \"-t\", \"work\"])" >/dev/null
'
