#!/bin/sh
# What the scripts of deb and rpm share; packaging/build.sh puts it in front of each. Nothing here
# ends the installation: mail does not depend on the filter, and a package that is half
# installed stands in the way of all others.
set -e

sockets="iot-milter.socket iot-milter-postfix.socket"
queue=/var/spool/postfix/iot-milter

say() {
	echo "iot-milter: $*" >&2
}

systemd_runs() {
	[ -d /run/systemd/system ]
}

# runs: systemd listens or runs the daemon.
runs() {
	# shellcheck disable=SC2086
	systemctl --quiet is-active $sockets iot-milter.service
}

# make_user FIRST: the daemon's user and group. systemd-sysusers needs no running systemd.
make_user() {
	if getent passwd iot-milter >/dev/null; then
		[ -z "$1" ] || say "the user iot-milter is there already and is kept as it is: $(getent passwd iot-milter)"
	fi
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers iot-milter.conf || say "systemd-sysusers failed"
	fi
	getent group iot-milter >/dev/null || groupadd --system iot-milter || :
	getent passwd iot-milter >/dev/null ||
		useradd --system --gid iot-milter --no-create-home --home-dir / --shell /usr/sbin/nologin iot-milter || :
	getent passwd iot-milter >/dev/null ||
		say "the user iot-milter could not be made; hint: make it, then start iot-milter"
}

# make_folders makes what systemd would make when it starts the daemon.
make_folders() {
	if systemd_runs; then
		systemd-tmpfiles --create iot-milter.conf || say "systemd-tmpfiles failed"
		return
	fi
	if ! mkdir -p /run/iot-milter /var/lib/iot-milter ||
		! chown iot-milter:iot-milter /run/iot-milter /var/lib/iot-milter ||
		! chmod 0750 /var/lib/iot-milter; then
		say "folders could not be made; hint: /run/iot-milter and /var/lib/iot-milter must belong to iot-milter"
	fi
}

# ours UNIT: the package's, or a copy of it as systemctl edit --full makes one.
ours() {
	case $1 in
	*.service) grep -q '^ExecStart=/usr/bin/iot-milter' "$1" && grep -q '^Sockets=.*iot-milter-postfix' "$1" ;;
	*) grep -q '^Documentation=man:iot-milter(8)' "$1" ;;
	esac
}

# own_unit: units of the admin's, or of an installation from source, stand in front of the
# package's.
own_unit() {
	for dir in /etc/systemd/system /usr/local/lib/systemd/system; do
		for unit in "$dir/iot-milter.service" "$dir/iot-milter.socket"; do
			if [ -f "$unit" ] && [ ! -L "$unit" ] && ! ours "$unit"; then
				echo "$unit"
				return 0
			fi
		done
	done
	return 1
}

# taken: who listens where systemd is to listen, and is not systemd.
taken() {
	for path in /run/iot-milter/iot-milter.sock $queue/iot-milter.sock; do
		# 00010000 is a socket that accepts.
		grep -q " 00010000 .* $path\$" /proc/net/unix 2>/dev/null || continue
		runs || {
			echo "$path"
			return
		}
	done
	return 1
}

# stands_aside says why nothing is started or restarted: what the admin has made goes on.
stands_aside() {
	if unit=$(own_unit); then
		say "$unit is yours and is left alone: nothing was started or restarted."
		say "hint: for the package's units move it away, then: systemctl daemon-reload; systemctl enable iot-milter; systemctl restart iot-milter"
		return
	fi
	if path=$(taken); then
		say "another process listens on $path and is left alone: nothing was started."
		say "hint: for the package's units stop it, then: systemctl enable --now iot-milter"
		return
	fi
	return 1
}

# named_config is the file that the unit names with -c, as one with a drop-in may.
named_config() {
	systemctl show --property=ExecStart --value iot-milter.service 2>/dev/null |
		sed -n 's/.* \(-c\|--config\)[ =]\([^ ;]*\).*/\2/p'
}

# config_holds asks the new binary about the configuration, as the daemon's user, before the
# old process is let go.
config_holds() {
	as="setpriv --reuid=iot-milter --regid=iot-milter --init-groups --"
	$as true 2>/dev/null || as=
	config=$(named_config)
	found=$($as /usr/bin/iot-milter check ${config:+-c "$config"} 2>&1 >/dev/null) && return
	say "this version does not take the configuration:"
	echo "$found" >&2
	return 1
}

without_systemd() {
	say "systemd does not run here, so nothing was started. Where it is the init system it starts iot-milter with the machine;"
	say "else have yours run '/usr/bin/iot-milter run' as user iot-milter, with a folder /run/iot-milter of that user's."
}

# begin starts the daemon on a fresh system. Connections are taken from then on.
begin() {
	if ! config_holds; then
		say "nothing was started; hint: mend it, then: systemctl start iot-milter"
		return
	fi
	# shellcheck disable=SC2086
	invoke start $sockets iot-milter.service || say "could not be started; hint: journalctl -u iot-milter"
}

# renew has the new binary take over. systemd keeps the sockets open meanwhile, so no connection
# is refused.
renew() {
	if ! config_holds; then
		say "the old process goes on; hint: mend it, then: systemctl restart iot-milter"
		return
	fi
	if systemctl --quiet is-failed iot-milter.service; then
		invoke restart iot-milter.service || say "could not be started; hint: journalctl -u iot-milter"
		return
	fi
	invoke try-restart iot-milter.service || say "could not be restarted; hint: journalctl -u iot-milter"
}

# clear_runtime takes away what is left of a stopped daemon; a folder in use stays.
clear_runtime() {
	rm -f /run/iot-milter/control.sock.lock /run/iot-milter/iot-milter.sock.lock
	for dir in /run/iot-milter $queue; do
		[ ! -d "$dir" ] || rmdir "$dir" 2>/dev/null || :
	done
}
