#!/usr/bin/env bash
# Builds the packages into dist/ (or $DIST) from this checkout: byte for byte the same for the same commit, whoever
# builds them, where and when.
#
#   packaging/build.sh VERSION [ARCH…]     the architectures are amd64 and arm64
#
# VERSION "" is that of the commit. MAINTAINER names who answers for the packages.
set -euo pipefail
cd "$(dirname "$0")/.."

work=build/packages out=${DIST:-dist}
export MAINTAINER=${MAINTAINER:-iot-milter developers <nobody@iot-milter.invalid>}
git=(git -c "safe.directory=$PWD")

fail() {
	echo "packages: $1; hint: $2" >&2
	exit 1
}

# version_of_commit is X.Y.Z at the tag vX.Y.Z, and between tags what dpkg and rpm sort behind the tag
# before and ahead of the one to come.
version_of_commit() {
	local tag commits hash
	hash=$("${git[@]}" rev-parse --short=10 HEAD)
	if tag=$("${git[@]}" describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null); then
		commits=$("${git[@]}" rev-list --count "$tag..HEAD")
		if [ "$commits" = 0 ]; then echo "${tag#v}"; else echo "${tag#v}+$commits.g$hash"; fi
	else
		echo "0.1.0~dev.$("${git[@]}" rev-list --count HEAD).g$hash" # rpm sorts digits behind ~rc
	fi
}

# place SRC DST [MORE] puts a file into the packages, beside those of nfpm.yaml.
place() {
	printf '  - {dst: "%s", src: "%s", %sfile_info: {mode: 0644}}\n' "$2" "$1" "${3:+$3, }" >>"$work/contents"
}

# document SRC DST: rpm marks documents as such.
document() {
	place "$1" "$2" 'packager: deb'
	place "$1" "$2" 'packager: rpm, type: doc'
}

place_completions() {
	local shell
	for shell in bash zsh fish; do
		CGO_ENABLED=0 go run -trimpath . completion "$shell" >"$work/completion.$shell"
	done
	place "$work/completion.bash" /usr/share/bash-completion/completions/iot-milter
	place "$work/completion.fish" /usr/share/fish/vendor_completions.d/iot-milter.fish
	place "$work/completion.zsh" /usr/share/zsh/vendor-completions/_iot-milter 'packager: deb'
	place "$work/completion.zsh" /usr/share/zsh/site-functions/_iot-milter 'packager: rpm'
}

place_man() {
	local page
	for page in packaging/man/*.[1-9]; do
		[ -e "$page" ] || continue
		gzip -9nc "$page" >"$work/${page##*/}.gz"
		document "$work/${page##*/}.gz" "/usr/share/man/man${page##*.}/${page##*/}.gz"
	done
}

# place_recipes: what other programs read.
place_recipes() {
	local file
	while read -r file; do
		place "$file" "/usr/share/iot-milter/${file#packaging/}"
	done < <(find packaging/{sieve,spamassassin,rspamd,procmail,selinux,prometheus,grafana} -type f -not -name '*_test.*' 2>/dev/null | LC_ALL=C sort)
	while read -r file; do
		place "$file" "/etc/${file#packaging/}" 'type: "config|noreplace"'
	done < <(find packaging/fail2ban -name '*.conf' 2>/dev/null | LC_ALL=C sort)
}

place_documents() {
	local file
	document README.md /usr/share/doc/iot-milter/README.md
	licences | gzip -9n >"$work/licences.gz"
	document "$work/licences.gz" /usr/share/doc/iot-milter/licences.gz
	while read -r file; do
		document "$file" "/usr/share/doc/iot-milter/$file"
	done < <(find docs -name '*.md' -o -name '*.svg' | LC_ALL=C sort)
}

# licences: of what is linked in. Most ask to go along with the binary.
licences() {
	local module version dir file found
	while read -r module version dir; do
		found=
		for file in "$dir"/{LICEN[CS]E,COPYING,NOTICE}*; do
			[ -f "$file" ] || continue
			found=yes
			printf '\n===== %s %s: %s\n\n' "$module" "$version" "${file##*/}"
			cat "$file"
		done
		[ "$found" ] || fail "$module has no licence that is found" "see $dir"
	done < <(
		echo "Go $(go env GOVERSION) $(go env GOROOT)"
		GOOS=linux GOARCH=amd64 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' . | LC_ALL=C sort -u
	)
}

# place_folders: rpm removes those alone that the package says it owns.
place_folders() {
	local folder
	while read -r folder; do
		printf '  - {dst: "%s", type: dir, packager: rpm, file_info: {mode: 0755}}\n' "$folder" >>"$work/contents"
	done < <({ sed -n 's/.*dst: "\([^"]*\)".*/\1/p' "$work/contents" && echo /usr/share/licenses/iot-milter/LICENSE; } |
		awk '/^\/usr\/share\// { while (sub(/\/[^\/]*$/, "") && /\/iot-milter(\/|$)/) print }' | LC_ALL=C sort -u)
}

# What has changed is told by CHANGELOG.md; the tools of Debian and rpm want forms of their own.
changelogs() {
	local what='See https://github.com/iot-milter/iot-milter/blob/main/CHANGELOG.md'
	printf 'iot-milter (%s) unstable; urgency=medium\n\n  * %s\n\n -- %s  %s\n' "$VERSION" "$what" "$MAINTAINER" \
		"$(LC_ALL=C date -uRd "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$work/changelog.gz"
	printf -- '- {semver: "%s-1", date: %s, packager: "%s", changes: [{note: "%s"}]}\n' "$VERSION" \
		"$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)" "$MAINTAINER" "$what" >"$work/changelog.yaml"
}

# scripts puts what deb and rpm share in front of each.
scripts() {
	local name
	mkdir -p "$work/scripts"
	for name in postinst prerm postrm post preun postun; do
		cat packaging/scripts/setup.sh "packaging/scripts/$name.sh" >"$work/scripts/$name"
	done
}

# What Go finds out about the checkout depends on how that was made; the commit does not.
binary() {
	CGO_ENABLED=0 GOOS=linux GOARCH=$ARCH GOFLAGS='' GOAMD64=v1 GOARM64=v8.0 go build -trimpath -tags nethttpomithttp2 -buildvcs=false \
		-ldflags "-s -w -X main.version=$VERSION -X main.commit=$commit" -o "$work/$ARCH/iot-milter" .
}

umask 022
if commit=$("${git[@]}" rev-parse HEAD 2>/dev/null); then
	SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$("${git[@]}" log -1 --format=%ct)}
elif [ -z "${1:-}" ] || [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	fail "this is no git checkout" "SOURCE_DATE_EPOCH=SECONDS make packages VERSION=1.2.3"
fi
VERSION=${1:-$(version_of_commit)}
VERSION=${VERSION/-/\~} # v1.2.3-rc.1 comes before v1.2.3
shift || :
[[ $VERSION =~ ^[0-9][A-Za-z0-9.+~]*$ ]] || fail "no version of a package: $VERSION" "such as 1.2.3 or 1.2.3~rc1"
export VERSION SOURCE_DATE_EPOCH

rm -rf "$work"
mkdir -p "$work" "$out"
nfpm=$(go -C packaging/nfpm tool -n nfpm)
place_man
place_completions
place_recipes
place_documents
place_folders
changelogs
scripts
cat packaging/nfpm/nfpm.yaml "$work/contents" >"$work/deb.yaml"
{ echo "changelog: $work/changelog.yaml" && cat "$work/deb.yaml"; } >"$work/rpm.yaml"
[ $# -gt 0 ] || set -- amd64 arm64
for ARCH; do
	export ARCH
	binary
	for kind in deb rpm; do
		"$nfpm" package -f "$work/$kind.yaml" -p "$kind" -t "$out/"
	done
done
