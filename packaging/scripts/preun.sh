
# %preun: $1 is how many versions are installed then.

if [ "$1" -eq 0 ] && ! own_unit >/dev/null && command -v systemctl >/dev/null; then
	# shellcheck disable=SC2086
	systemctl --quiet --no-reload disable $sockets iot-milter.service || :
	if systemd_runs; then
		# shellcheck disable=SC2086
		systemctl stop $sockets iot-milter.service || say "could not be stopped"
	fi
fi
