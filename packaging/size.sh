#!/usr/bin/env bash
# Fails where the program of the packages is above 20 MiB on amd64, or where something in it finds methods by
# name: then the linker keeps every exported method of every type, which makes a third more.
#
#   packaging/size.sh [BINARY]     without one it is that of packaging/build.sh
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${1:-build/packages/amd64/iot-milter} most=$((20 << 20))

fail() {
	echo "size: $1; hint: $2" >&2
	exit 1
}

# by_name lists the functions that the linker marks so. They are known by reflect's Method and MethodByName.
by_name() {
	local told
	told=$(mktemp)
	if ! CGO_ENABLED=0 GOOS=linux GOARCH=amd64 GOFLAGS='' GOAMD64=v1 go build -trimpath -tags nethttpomithttp2 -buildvcs=false \
		-ldflags "-s -w -dumpdep" -o /dev/null . 2>"$told"; then
		tail -5 "$told" >&2
		rm "$told"
		return 1
	fi
	sed -n 's/^\([^ ]*\) .*<ReflectMethod>.* -> .*/\1/p' "$told" | sort -u
	rm "$told"
}

found=$(by_name)
[ -z "$found" ] || fail "methods are found by name in ${found//$'\n'/ }" \
	"what calls reflect's MethodByName, such as text/template and html/template, keeps all methods of the program: use something else"
size=$(stat -c %s "$binary")
[ "$size" -le "$most" ] || fail "$binary has $size bytes, and may have $most" \
	"go tool nm -size -sort size, of a build without -s, shows what takes them"
