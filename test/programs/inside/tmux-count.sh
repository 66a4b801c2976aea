#!/bin/sh
# Types a command into the shell in tmux, and prints the last number on the screen.
tmux send-keys -t work 'n=$((n + 1)); echo "<$n>" | tee -a ~/counts' Enter
sleep 0.5
tmux capture-pane -p -t work | grep -o '<[0-9]*>' | tail -n 1 | tr -d '<>'
