
# deb-postinst(5): configure VERSION-BEFORE, or what undoes a change that failed.

invoke() {
	deb-systemd-invoke "$@" >/dev/null
}

# enable_units keeps what the admin has chosen since the last time.
enable_units() {
	for unit in $sockets iot-milter.service; do
		deb-systemd-helper unmask "$unit" >/dev/null || :
		if deb-systemd-helper --quiet was-enabled "$unit"; then
			deb-systemd-helper enable "$unit" >/dev/null || :
		else
			deb-systemd-helper update-state "$unit" >/dev/null || :
		fi
	done
}

case $1 in
configure)
	first=
	[ -n "$2" ] || first=yes
	make_user "$first"
	if stands_aside; then
		exit 0
	fi
	make_folders
	enable_units
	if ! systemd_runs; then
		without_systemd
		exit 0
	fi
	systemctl --system daemon-reload || :
	# Installed again after a removal it is no first time, and nothing runs.
	if [ -n "$first" ] || ! runs; then begin; else renew; fi
	;;
abort-remove)
	if systemd_runs && ! stands_aside; then
		begin
	fi
	;;
esac
