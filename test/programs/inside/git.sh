#!/bin/sh
# Commits again and again, collects garbage and checks the repository, until /tmp/enough exists. Then it writes /tmp/ended.
set -e
mkdir /tmp/repository
cd /tmp/repository
git init -q -b main
git config user.name app
git config user.email app@example.org
git config gc.auto 0
i=0
until [ -e /tmp/enough ]; do
  i=$((i + 1))
  echo "$i" >>numbers
  seq "$i" "$((i + 2000))" >"file$((i % 20))"
  git add .
  git commit -q -m "$i"
  if [ $((i % 10)) = 0 ]; then
    git gc -q --prune=now
    git fsck --full --strict
  fi
done
touch /tmp/ended
exec sleep infinity
