#!/bin/sh
# Notes when it starts, and then a number ten times a second.
date +%s >>~/starts
for i in $(seq 500); do
  echo "$i" >>~/numbers
  sleep 0.1
done
