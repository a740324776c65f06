#!/usr/bin/env bash
# Builds the packages of this commit once more, in another folder, as another umask, time zone, language and clock's
# time have it, and fails where one byte differs from dist/ (make packages).
#
#   packaging/reproducible.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."

dirty=$(git -c "safe.directory=$PWD" status --porcelain)
[ -z "$dirty" ] || {
	echo "reproducible: the checkout is not the commit's; hint: commit or remove this, then make packages reproducible:" >&2
	echo "$dirty" >&2
	exit 1
}
again=$(mktemp -d "${TMPDIR:-/tmp}/iot-milter-in-a-folder-of-another-length.XXXXXX")
trap 'chmod -R u+w "$again" && rm -rf "$again"' EXIT
(
	umask 077
	# By a bundle: a clone asks whose the folder is, and takes no answer from here.
	git -c "safe.directory=$PWD" bundle create -q "$again/head" HEAD --tags
	git clone -q -c advice.detachedHead=false "$again/head" "$again/source"
	# What is not the commit's, such as the files' times, must not get in.
	find "$again/source" -not -path '*/.git/*' -exec touch -h -d 1999-12-31 {} +
	TZ=Pacific/Chatham LC_ALL=C.UTF-8 "$again/source/packaging/build.sh" "$@" >/dev/null
)
count=0
for package in "$again"/source/dist/*; do
	cmp "$package" "dist/${package##*/}" || {
		echo "reproducible: ${package##*/} differs; hint: diffoscope shows where; VERSION, MAINTAINER and Go must be the same" >&2
		exit 1
	}
	count=$((count + 1))
done
[ "$count" = 4 ] || {
	echo "reproducible: $count packages instead of 4" >&2
	exit 1
}
echo "reproducible: $count packages are the same, byte for byte"
