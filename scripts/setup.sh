#!/bin/sh
# Prepares a fresh Debian machine for this checkout: checks it, installs what is missing, builds. With --vm it also installs what labs
# of virtual machines need. `npm run demo` and `npm test` call it. A second run finds everything done and takes about a second.
set -eu
cd "$(dirname "$0")/.."

say() { echo "==> $*" >&2; }
refuse() {
	echo "godwit: $1" >&2
	echo "  $2" >&2
	exit 1
}

check_machine() {
	[ "$(uname -s)" = Linux ] || refuse "this is not Linux, and containers cannot be checkpointed elsewhere." \
		"Use a Debian 12 machine, a virtual one will do."
	[ "$(id -u)" = 0 ] || refuse "the lab makes namespaces and mounts, so this needs root; nothing was changed." \
		"Run the same command as root, for example: sudo env PATH=\"\$PATH\" npm run ${npm_lifecycle_event:-demo}"
	case $(uname -m) in
	x86_64 | aarch64) ;;
	*) refuse "this machine is $(uname -m); godwit runs on x86_64 and aarch64." "Use a machine of one of these kinds." ;;
	esac
	command -v apt-get >/dev/null ||
		refuse "this system has no apt-get; the lab builds its hosts with Debian's tools." "Use Debian 12 or newer."
	grep -qw overlay /proc/filesystems || modprobe overlay 2>/dev/null ||
		refuse "this kernel has no overlay file system." "Boot a kernel with CONFIG_OVERLAY_FS."
	grep -q ' - cgroup2 ' /proc/self/mountinfo ||
		refuse "this machine has no cgroup2 tree mounted." "Mount one: mount -t cgroup2 cgroup2 /sys/fs/cgroup"
	unshare --mount --pid --fork --net --uts --ipc --cgroup true 2>/dev/null ||
		refuse "this machine does not let root make namespaces." "In a container, run it with --privileged."
	[ -e /proc/sys/vm/unprivileged_userfaultfd ] || [ -e /dev/userfaultfd ] ||
		say "this kernel has no userfaultfd: everything but post-copy will work"
}

missing_packages() {
	for package in mmdebstrap iproute2 nftables procps util-linux rsync gcc libc6-dev libxxhash-dev libssl-dev libzstd-dev $machine_packages; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
	# An update of Debian 12 added the keys of the releases that the lab's hosts are made from.
	ls /usr/share/keyrings/debian-archive-trixie-automatic.* >/dev/null 2>&1 || echo debian-archive-keyring
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1; }

install_packages() {
	packages=$(missing_packages | xargs)
	[ -n "$packages" ] || return 0
	say "installing $packages (up to a minute)"
	log=$(mktemp)
	# shellcheck disable=SC2086 # a list of names
	if ! apt install $packages; then
		# The package lists may be missing or old: fetch them, and try once more.
		if ! { apt update && apt install $packages; }; then
			tail -n 12 "$log" >&2
			rm -f "$log"
			refuse "apt-get could not install: $packages" "Its last lines, above, say why."
		fi
	fi
	rm -f "$log"
}

# Two set-ups at once would remove each other's npm packages.
take_turns() {
	exec 9<.
	flock --nonblock 9 && return 0
	say "waiting for another set-up of this checkout"
	flock 9
}

install_modules() {
	# npm ci empties node_modules first, so it runs only if the lock file has changed since.
	if cmp -s package-lock.json node_modules/.godwit-lock.json; then return 0; fi
	say "installing the pinned npm packages (half a minute)"
	npm ci --no-audit --no-fund --loglevel=error >&2
	cp package-lock.json node_modules/.godwit-lock.json
}

build() {
	for node in node_modules/node-linux-*/bin/node; do
		[ -x "$node" ] || refuse "the pinned Node is not among the installed packages." \
			"Run 'npm ci' again without --omit=optional."
		say "building"
		"$node" scripts/build.ts >&2
		return
	done
}

machine_packages=
[ "${1:-}" != --vm ] || machine_packages="qemu-system-x86 openssh-client e2fsprogs"
check_machine
install_packages
take_turns
install_modules
build
