#!/bin/sh
# Unpacks Debian's Sendmail beside the machine's own MTA and prints the folder.
#
# The packages sendmail-bin and postfix conflict, so Sendmail is never
# installed: its files are taken from the packages and run in place. A second
# call does nothing.
#
#   SENDMAIL_ROOT  where it goes; default: build/sendmail in the repository, or
#                  /var/cache/iot-milter-test/sendmail where that will not do
#
# Sendmail refuses every file that lies under a folder which somebody else may
# write to, so the place and all folders above it are checked here, where the
# message can still say what to do.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../.." && pwd)/build
packages="sendmail-bin sendmail-base sendmail-cf"

fail() {
	echo "fetch-sendmail: $1; hint: $2" >&2
	exit 1
}

# private DIR: neither group nor world may write to DIR or a folder above it.
private() {
	dir=$1
	while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
	while :; do
		case $(stat -c %A "$dir") in ?????w* | ????????w*) return 1 ;; esac
		[ "$dir" != / ] || return 0
		dir=$(dirname "$dir")
	done
}

# where: the checkout's own folder, unless somebody else may write to it.
where() {
	if [ -n "${SENDMAIL_ROOT:-}" ]; then
		echo "$SENDMAIL_ROOT"
	elif private "$build"; then
		echo "$build/sendmail"
	else
		echo /var/cache/iot-milter-test/sendmail
	fi
}

# The libraries are those of the machine; only the programs are unpacked.
check_libraries() {
	missing=$(ldd "$1" | sed -n 's/^[[:space:]]*\([^ ]*\) => not found$/\1/p' | tr '\n' ' ')
	[ -z "$missing" ] || fail "sendmail lacks $missing" \
		"apt-get install libwrap0 libnsl2 libtirpc3 libsasl2-2 libldap-2.5-0"
}

root=$(where)
private "$root" || fail "group or world may write to $root or above it" \
	"set SENDMAIL_ROOT to a folder such as /var/cache/iot-milter-test"
binary=$root/usr/libexec/sendmail/sendmail
if [ ! -e "$root/complete" ]; then
	command -v dpkg >/dev/null || fail "dpkg is missing" "this needs Debian or a relative of it"
	mkdir -p "$root/deb"
	# apt drops its privileges for a download and complains where it cannot
	# write as its own user; the warning is of no interest.
	# shellcheck disable=SC2086 # a list of package names
	(cd "$root/deb" && apt-get -qq download -o APT::Sandbox::User=root $packages >&2) ||
		fail "cannot download $packages" "apt-get update"
	for deb in "$root"/deb/*.deb; do dpkg -x "$deb" "$root"; done
	rm -rf "$root/deb"
	: >"$root/complete"
fi
[ -x "$binary" ] || fail "$binary is missing" "rm -r $root and try again"
check_libraries "$binary"
echo "$root"
