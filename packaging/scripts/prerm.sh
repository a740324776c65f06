
# deb-prerm(5). On an upgrade the old process goes on until the new binary is there.

if [ "$1" = remove ] && systemd_runs && ! own_unit >/dev/null; then
	# shellcheck disable=SC2086
	deb-systemd-invoke stop $sockets iot-milter.service >/dev/null || say "could not be stopped"
fi
