#!/bin/sh
# Builds the filters that do nothing and the bench program and runs it with the
# arguments given (see bench.sh -help). The daemon is not built here: -daemon names its binary.
set -eu

cd "$(dirname "$0")/../.."
for tool in cc go ip postfix opendkim rspamd; do
	if ! command -v "$tool" >/dev/null; then
		echo "bench: $tool is missing; hint: .ci/setup test installs all but Go" >&2
		exit 1
	fi
done
mkdir -p build
cc -O2 -Wall -Wextra -o build/bench-filter integration/bench/filter.c -lmilter -lpthread
go build -o build/bench-noop ./integration/bench/noop
go build -o build/bench ./integration/bench
exec build/bench -filter build/bench-filter -noop build/bench-noop "$@"
