
# deb-postrm(5). The user stays when all else is purged: copies of the state may belong to it
# elsewhere, and its number would go to the next user that is made.

case $1 in
remove)
	if systemd_runs; then
		systemctl --system daemon-reload || :
	fi
	clear_runtime
	;;
purge)
	# A folder may be a file system of its own, which is emptied and stays.
	rm -rf /var/lib/iot-milter /etc/iot-milter || say "not all of it could be removed"
	clear_runtime
	if command -v deb-systemd-helper >/dev/null; then
		for unit in $sockets iot-milter.service; do
			deb-systemd-helper purge "$unit" >/dev/null || :
			deb-systemd-helper unmask "$unit" >/dev/null || :
		done
	fi
	for unit in $sockets iot-milter.service; do
		rm -rf "/etc/systemd/system/$unit.d" || :
	done
	;;
esac
