#!/bin/sh
# Runs the OpenRC script by OpenRC itself: its package, unpacked in $1, is laid over /usr of a
# root of its own, in namespaces of its own. $2 is the program.
#
#   packaging/openrc/test.sh build/openrc build/iot-milter
set -eu

fail() {
	echo "openrc: $*" >&2
	cat "$root/var/log/iot-milter/iot-milter.log" >&2 2>/dev/null || :
	exit 1
}

root=${OPENRC_ROOT:-}
if [ "$root" = "" ]; then
	root=$(mktemp -d)
	trap 'rmdir "$root"' EXIT
	OPENRC_ROOT=$root unshare --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
	exit
fi

package=$(realpath "$1") program=$(realpath "$2") here=$(dirname "$(realpath "$0")")
mount -t tmpfs tmpfs "$root"
cd "$root"
mkdir -p usr etc/init.d etc/conf.d etc/iot-milter proc dev run/openrc tmp var/log var/lib var/spool/postfix
mkdir -p etc/runlevels/default
ln -s ../run var/run
: >etc/insserv.conf
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$folder"; done
mkdir -p lower/bin
cp "$program" lower/bin/iot-milter
mount -t overlay -o "lowerdir=$root/lower:$package/usr:/usr" overlay usr
mount --rbind /dev dev
mount -t proc proc proc
cp "$here/iot-milter.initd" etc/init.d/iot-milter
cp "$here/iot-milter.confd" etc/conf.d/iot-milter
chmod +x etc/init.d/iot-milter
mkdir etc/pam.d
for kind in auth account password session; do echo "$kind required pam_permit.so"; done >etc/pam.d/other
: >etc/rc.conf
# What the script needs, and no network: this is no whole system.
echo 'rc_provide="net"' >>etc/rc.conf
echo 'rc_need="!net"' >>etc/conf.d/iot-milter
printf 'root:x:0:0::/root:/bin/sh\niot-milter:x:990:990::/:/usr/sbin/nologin\n' >etc/passwd
printf 'root:x:0:\niot-milter:x:990:\npostfix:x:991:\n' >etc/group
cp /etc/nsswitch.conf /etc/ld.so.cache etc/ 2>/dev/null || :
printf 'listen = ["unix:/run/iot-milter/iot-milter.sock", "unix:/var/spool/postfix/iot-milter/iot-milter.sock"]\n' >etc/iot-milter/iot-milter.toml
printf 'admin.listen = ""\ndns.enabled = false\n' >>etc/iot-milter/iot-milter.toml
echo default >run/openrc/softlevel
for state in starting started stopping inactive failed options exclusive scheduled daemons hotplugged wasinactive tmp; do
	mkdir -p "run/openrc/$state"
done

service() {
	chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin RC_SVCNAME=iot-milter /etc/init.d/iot-milter --nocolor "$@"
}

waits() {
	n=0
	until chroot "$root" iot-milter stats >/dev/null 2>&1; do
		n=$((n + 1))
		[ "$n" -lt 100 ] || fail "the daemon does not answer"
		sleep 0.1
	done
}

pid() { pgrep -P "$(pgrep -o -x supervise-daemo)" -x iot-milter; }

# A wrong configuration: nothing is started.
cp etc/iot-milter/iot-milter.toml right.toml
echo 'mod = "tag"' >etc/iot-milter/iot-milter.toml
! service start >out 2>&1 || fail "was started with a wrong configuration"
grep -q 'unknown key' out || fail "does not say what is wrong: $(cat out)"
cp right.toml etc/iot-milter/iot-milter.toml

service start >out 2>&1 || fail "does not start: $(cat out)"
waits
service status >out 2>&1 || fail "status: $(cat out)"
first=$(pid)
[ "$(stat -c %u "/proc/$first")" = 990 ] || fail "runs as $(stat -c %u "/proc/$first")"
grep -q '^NoNewPrivs:.1$' "/proc/$first/status" || fail "may gain privileges"
owner() { stat -c '%u:%g %a' "$root/$1"; }
[ "$(owner run/iot-milter)" = "990:990 755" ] || fail "run/iot-milter: $(owner run/iot-milter)"
[ "$(owner var/lib/iot-milter)" = "990:990 750" ] || fail "var/lib/iot-milter: $(owner var/lib/iot-milter)"
[ "$(owner var/spool/postfix/iot-milter)" = "990:991 2750" ] || fail "the folder for Postfix: $(owner var/spool/postfix/iot-milter)"
socket=var/spool/postfix/iot-milter/iot-milter.sock
[ "$(owner $socket)" = "990:991 660" ] || fail "the socket for Postfix: $(owner $socket)"
grep -q msg=ready var/log/iot-milter/iot-milter.log || fail "nothing is in the log"

# Reload, by the daemon that runs; a wrong file changes nothing and says so.
echo 'mode = "observe"' | cat - right.toml >etc/iot-milter/iot-milter.toml
service reload >out 2>&1 || fail "does not reload: $(cat out)"
chroot "$root" iot-milter top | grep -q 'mode observe' || fail "the mode is not observe"
echo 'mod = "tag"' >etc/iot-milter/iot-milter.toml
! service reload >out 2>&1 || fail "took a wrong configuration"
! service checkconfig >out 2>&1 || fail "calls a wrong configuration right"
! service restart >out 2>&1 || fail "was restarted with a wrong configuration"
[ "$(pid)" = "$first" ] || fail "a refused restart ended the daemon"
cp right.toml etc/iot-milter/iot-milter.toml

# It is started again when it dies, and a restart is one.
kill -KILL "$first"
sleep 2
waits
second=$(pid)
[ "$second" != "$first" ] || fail "was not started again"
service restart >out 2>&1 || fail "does not restart: $(cat out)"
waits
[ "$(pid)" != "$second" ] || fail "a restart is none"
service stop >out 2>&1 || fail "does not stop: $(cat out)"
! pgrep -x iot-milter >/dev/null || fail "runs on after its end"
grep -q msg=stopped var/log/iot-milter/iot-milter.log || fail "did not end by itself"
echo "openrc: start, status, reload, checkconfig, respawn, restart and stop are right"
