#!/bin/sh
# Compiles things.go and runs it.
set -e
export GOCACHE=/tmp/go GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-ldflags=-w
go build -o /tmp/things /opt/things.go
rm -rf /tmp/go
exec /tmp/things
