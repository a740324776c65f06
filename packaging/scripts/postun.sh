
# %postun: $1 is how many versions are installed then. rpm knows no purge, so the state and the
# user stay.

if systemd_runs; then
	systemctl daemon-reload || :
fi
if [ "$1" -eq 0 ]; then
	clear_runtime
	[ ! -d /var/lib/iot-milter ] || say "kept: /var/lib/iot-milter and the user iot-milter"
fi
