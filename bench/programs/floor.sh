#!/bin/sh
# usage: floor.sh DOCKER-RUN-ARGUMENTS...
# Measures the floor on this host: what a switchover costs with runc alone. Docker starts the container, which prints "ready" when
# everything is in place. Then two things are timed:
#   checkpoint: its cgroup is frozen, and `runc checkpoint --lazy-pages` runs until the pages are served
#   restore: `runc restore --lazy-pages` runs until it returns. It restores the same container under another name and in another
#     cgroup. The images are in memory, and CRIU's lazy-pages already waits.
# Options are those of godwit. Prints "checkpoint MS", "freeze MS" (a part of it), and "restore MS".
set -eu
here=$(dirname "$0")
work=/run/bench-floor
port=27000
copy=bench-floor

clean() {
	# The copy is killed before all of its memory has arrived: only its restore is timed. Then lazy-pages and the dump end.
	[ ! -e /sys/fs/cgroup/$copy/cgroup.kill ] || echo 1 >/sys/fs/cgroup/$copy/cgroup.kill
	runc --root $work/runc delete --force $copy 2>/dev/null || true
	id=$(docker inspect --format '{{.Id}}' $copy 2>/dev/null) || return 0
	echo 1 >"/sys/fs/cgroup/docker/$id/cgroup.kill" 2>/dev/null || true
	echo 0 >"/sys/fs/cgroup/docker/$id/cgroup.freeze" 2>/dev/null || true
	docker rm -f $copy >/dev/null
	for _ in $(seq 100); do
		pidof criu >/dev/null || break
		sleep 0.05
	done
	rm -rf --one-file-system $work
}

fail() {
	echo "the floor: $1" >&2
	tail -n 12 $work/work/dump.log $work/restore/restore.log $work/lazy.out >&2 || true
	exit 1
}

clean
trap clean EXIT
mkdir -p $work/images $work/work $work/restore $work/bundle

id=$(docker run --pull never --detach --name $copy "$@")
until docker logs $copy 2>&1 | grep -qx ready; do
	[ "$(docker inspect --format '{{.State.Running}}' $copy)" = true ] || fail "the program has ended: $(docker logs $copy 2>&1 | tail -n 3)"
	sleep 0.1
done
sleep 0.5

sed "s#\"cgroupsPath\":\"[^\"]*\"#\"cgroupsPath\":\"/$copy\"#" \
	"/run/containerd/io.containerd.runtime.v2.task/moby/$id/config.json" >$work/bundle/config.json
printf '%s\n' skip-in-flight 'ghost-limit 67108864' 'network-lock skip' 'address 127.0.0.1' >$work/dump.conf
printf '%s\n' "cgroup-root :/$copy" tcp-close >$work/restore.conf

CRIU_CONFIG_FILE=$work/dump.conf "$here/stopwatch" served "/sys/fs/cgroup/docker/$id" \
	runc --root /run/docker/runtime-runc/moby checkpoint --leave-running --empty-ns network \
	--tcp-established --ext-unix-sk --file-locks --image-path $work/images --work-path $work/work \
	--lazy-pages --page-server 127.0.0.1:$port --status-fd 3 "$id" || fail "the container could not be dumped"

criu lazy-pages -D $work/images -W $work/restore -v1 -o lazy-pages.log \
	--page-server --address 127.0.0.1 --port $port >$work/lazy.out 2>&1 &
for _ in $(seq 3000); do
	[ ! -S $work/restore/lazy-pages.socket ] || break
	sleep 0.01
done

CRIU_CONFIG_FILE=$work/restore.conf "$here/stopwatch" ended \
	runc --root $work/runc restore --detach --lazy-pages --empty-ns network \
	--image-path $work/images --work-path $work/restore --bundle $work/bundle $copy || fail "the container could not be restored"

# The time counts only if the restored container runs.
sleep 0.2
runc --root $work/runc state $copy | grep -q '"status": "running"' || fail "the copy does not run"
