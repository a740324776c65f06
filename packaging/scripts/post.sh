
# %post: $1 is how many versions are installed then. Whether to start is up to the presets of the
# distribution, which on most is no.

invoke() {
	systemctl --quiet "$@"
}

first=
[ "$1" -gt 1 ] || first=yes
make_user "$first"
if stands_aside; then
	exit 0
fi
make_folders
if [ -n "$first" ] && command -v systemctl >/dev/null; then
	# shellcheck disable=SC2086
	systemctl --quiet preset $sockets iot-milter.service || :
fi
if ! systemd_runs; then
	without_systemd
	exit 0
fi
systemctl daemon-reload || :
if [ -z "$first" ]; then
	renew
elif systemctl --quiet is-enabled iot-milter.service; then
	begin
else
	say "to start it, now and with the machine: systemctl enable --now iot-milter"
fi
