#!/usr/bin/env bash
# Builds the file systems that the acceptance tests copy, and prints their folder:
#
#   debian   Debian 12 as its installer leaves it, without any task: systemd, no MTA
#   bare     the least that apt runs in: no systemd, nothing that starts anything
#
# The packages that tests install lie in apt's archives of debian and bare, so that
# a test needs no network. A second call does nothing while this file stays as it is
# and the folder is younger than a week: security updates come in by then.
#
#   ACCEPTANCE_CACHE   where they go; default /var/cache/iot-milter-test
set -euo pipefail

mirror=http://deb.debian.org
suite=bookworm
cache=${ACCEPTANCE_CACHE:-/var/cache/iot-milter-test}
key=$(sha256sum "$0" | cut -c1-12)
root=$cache/roots-$key

fail() {
	echo "roots: $1; hint: $2" >&2
	exit 1
}

# inside ROOT COMMAND…: without services, questions and a network of its own.
inside() {
	local root=$1
	shift
	DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@" </dev/null
}

apt() {
	local root=$1
	shift
	inside "$root" apt-get -qq -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root "$@"
}

# keep ROOT PACKAGE…: into apt's archives, together with what they need.
keep() {
	local root=$1
	shift
	apt "$root" install --download-only --no-install-recommends "$@"
}

strap() {
	local name=$1
	shift
	mkdir -p "$root.new/debs"
	debootstrap --cache-dir="$root.new/debs" "$@" "$suite" "$root.new/$name" "$mirror/debian"
	cat >"$root.new/$name/etc/apt/sources.list" <<-END
		deb $mirror/debian $suite main
		deb $mirror/debian $suite-updates main
		deb $mirror/debian-security $suite-security main
	END
	printf '#!/bin/sh\nexit 101\n' >"$root.new/$name/usr/sbin/policy-rc.d"
	chmod 755 "$root.new/$name/usr/sbin/policy-rc.d"
	apt "$root.new/$name" update
	apt "$root.new/$name" dist-upgrade
}

# settle ROOT: as a machine is that nobody has configured yet.
settle() {
	rm -f "$1/usr/sbin/policy-rc.d" "$1/etc/resolv.conf" "$1/etc/machine-id"
	: >"$1/etc/machine-id"
}

build() {
	strap debian
	keep "$root.new/debian" postfix
	keep "$root.new/debian" sendmail
	keep "$root.new/debian" redis-server p0f rpm
	strap bare --variant=minbase
	keep "$root.new/bare" postfix
	for name in debian bare; do settle "$root.new/$name"; done
	rm -rf "$root.new/debs"
}

mkdir -p "$cache"
exec 9>"$cache/roots.lock"
flock 9
if [ -n "$(find "$root" -maxdepth 0 -mtime -7 2>/dev/null)" ]; then
	echo "$root"
	exit
fi
[ "$(id -u)" = 0 ] || fail "file systems are made by root" "sudo"
command -v debootstrap >/dev/null || fail "debootstrap is missing" ".ci/setup acceptance"
rm -rf "$cache"/roots-*
mkdir -p "$root.new"
# In a shell of its own: "set -e" does not hold in a condition.
(build) >"$root.new/log" 2>&1 & wait $! || fail "$(tail -n 5 "$root.new/log")" "see $root.new/log"
touch "$root.new"
mv "$root.new" "$root"
echo "$root"
