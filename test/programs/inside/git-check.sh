#!/bin/sh
# Has git.sh end, and fails unless the repository is whole and has each commit.
set -e
touch /tmp/enough
timeout 60 sh -c 'until [ -e /tmp/ended ]; do sleep 0.2; done'
git config --global --add safe.directory /tmp/repository
cd /tmp/repository
commits=$(git rev-list --count HEAD)
test "$(git log -1 --format=%s)" = "$commits"
git show HEAD:numbers >/tmp/numbers
seq "$commits" | cmp - /tmp/numbers
git fsck --full --strict
