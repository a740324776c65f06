#!/usr/bin/env bash
# Fails where lintian or rpmlint have an error or a warning about the packages in dist/, or shellcheck about
# their scripts, or where the program is too large (size.sh). What is overridden, and why: packaging/nfpm/lintian-overrides, rpmlint.toml.
set -euo pipefail
cd "$(dirname "$0")/.."

shellcheck build/packages/scripts/*
root=()
[ "$(id -u)" != 0 ] || root=(--allow-root)
lintian --no-cfg "${root[@]}" --fail-on error,warning dist/*.deb
rpmlint --strict -c packaging/nfpm/rpmlint.toml dist/*.rpm
packaging/size.sh
