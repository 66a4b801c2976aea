#!/bin/sh
# What systemd does on a real host: keeps containerd, dockerd and the agent running.
# While /run/lab/NAME.down exists, NAME is not started again after it ends. /run/lab/NAME.pid holds its process id.
keep() {
	name=$1 log=$2
	shift 2
	while :; do
		if [ -e "/run/lab/$name.down" ]; then
			sleep 0.1
			continue
		fi
		started=$(date +%s)
		# shellcheck disable=SC2016 # expanded by the inner shell
		sh -c 'echo $$ >"/run/lab/$0.pid"; exec "$@"' "$name" "$@" >>"$log" 2>&1
		rm -f "/run/lab/$name.pid"
		# A program that fails at once must not fill its log.
		if [ $(($(date +%s) - started)) -lt 2 ]; then sleep 1; else sleep 0.3; fi
	done
}

keep containerd /var/log/containerd.log containerd &
keep dockerd /var/log/dockerd.log dockerd --containerd=/run/containerd/containerd.sock &
keep agent /var/log/godwit-agent.log godwit agent &
# Only a virtual machine is reached over ssh.
[ ! -e /etc/ssh/lab_sshd_config ] || keep sshd /var/log/sshd.log /usr/sbin/sshd -D -e -f /etc/ssh/lab_sshd_config &
wait
