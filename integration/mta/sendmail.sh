#!/bin/sh
# A private Sendmail for tests: own configuration, own queue, own ports.
#
#   sendmail.sh tags          what test cases may require of this MTA
#   sendmail.sh start DIR     starts an instance that lives in DIR
#   sendmail.sh stop DIR      ends it
#
# Nothing is installed: fetch-sendmail.sh unpacks Debian's packages beside the
# machine's own MTA. DIR and all folders above it must not be writable by group
# or world, so it cannot lie under /tmp: Sendmail trusts no file there, and no
# milter socket either. Settings come from the environment: see lib.sh.
#
# Sendmail sleeps for a minute at start where the host has no fully qualified
# name. So it runs in a mount namespace of its own with an own /etc/hosts; the
# machine's stays as it is.
set -eu
# shellcheck source=integration/mta/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

verb=${1:-}
dir=${2:-}

tags() {
	echo "sendmail starttls auth submission quarantine ipv6"
}

# hosts: the machine's, with the MTA's full name first for every loopback
# address, so that a look-up of any name of this host gives a dot.
hosts_file() {
	name=$(uname -n)
	echo "127.0.0.1 $MTA_HOST ${MTA_HOST%%.*} $name localhost"
	echo "::1 localhost"
	grep -v -e '^[[:space:]]*127\.' -e '^::1' /etc/hosts || true
}

# listener_mc NAME PORT MODIFIERS
listener_mc() {
	for addr in $MTA_ADDR; do
		family=inet
		case $addr in *:*) family=inet6 ;; esac
		echo "DAEMON_OPTIONS(\`Name=$1, Family=$family, Addr=$addr, Port=$2$3')dnl"
	done
}

# delivery_mc: mail for our domain goes to the sink by LMTP over TCP, from a
# mailer of its own: the local one would look up accounts and aliases. The field
# separators of a rule are tabs.
delivery_mc() {
	tab=$(printf '\t')
	goal="\$#discard \$: discard"
	[ -z "$MTA_SINK" ] || goal="\$#sink \$@ [127.0.0.1] \$: \$1 @ \$2"
	cat <<-END
		LOCAL_RULE_0
		R\$+ < @ \$=w . >${tab}${goal}
		MAILER_DEFINITIONS
		Msink, P=[IPC], F=zmDFMu8X, S=0, R=0, E=\\r\\n, L=0,
		${tab}T=DNS/RFC822/SMTP,
		${tab}A=TCP [127.0.0.1] ${MTA_SINK:-24}
	END
}

sendmail_mc() {
	cat <<-END
		define(\`_USE_ETC_MAIL_', \`')dnl
		include(\`m4/cf.m4')dnl
		VERSIONID(\`test')dnl
		OSTYPE(\`linux')dnl
		define(\`confDOMAIN_NAME', \`$MTA_HOST')dnl
		define(\`confCW_FILE', \`$dir/local-host-names')dnl
		define(\`confSERVICE_SWITCH_FILE', \`$dir/service.switch')dnl
		define(\`confTO_IDENT', \`0')dnl
		define(\`confPID_FILE', \`$dir/sendmail.pid')dnl
		define(\`QUEUE_DIR', \`$dir/queue')dnl
		define(\`STATUS_FILE', \`$dir/statistics')dnl
		define(\`ALIAS_FILE', \`')dnl
		define(\`confHOST_STATUS_DIRECTORY', \`')dnl
		define(\`confPRIVACY_FLAGS', \`authwarnings,novrfy,noexpn')dnl
		define(\`confBAD_RCPT_THROTTLE', \`0')dnl
		define(\`confMAX_HEADERS_LENGTH', \`0')dnl
		define(\`confCONNECTION_RATE_THROTTLE', \`0')dnl
		define(\`confREFUSE_LA', \`10000')dnl
		define(\`confQUEUE_LA', \`10000')dnl
		define(\`confDELAY_LA', \`0')dnl
		define(\`confTO_COMMAND', \`1m')dnl
		define(\`confTO_DATABLOCK', \`1m')dnl
		define(\`confDELIVERY_MODE', \`background')dnl
		define(\`confCACERT_PATH', \`$dir')dnl
		define(\`confCACERT', \`$dir/tls.crt')dnl
		define(\`confSERVER_CERT', \`$dir/tls.crt')dnl
		define(\`confSERVER_KEY', \`$dir/tls.key')dnl
	END
	[ -z "$MTA_AUTH" ] || cat <<-END
		define(\`confAUTH_MECHANISMS', \`PLAIN LOGIN')dnl
		TRUST_AUTH_MECH(\`PLAIN LOGIN')dnl
	END
	echo "FEATURE(\`accept_unresolvable_domains')dnl"
	echo "FEATURE(\`use_cw_file')dnl"
	echo "FEATURE(\`no_default_msa')dnl"
	listener_mc MTA "$port" ""
	listener_mc MSA "$submit_port" ", M=E"
	cat <<-END
		INPUT_MAIL_FILTER(\`iot-milter', \`S=unix:$milter, T=C:2s;S:8s;R:8s;E:30s')dnl
		MAILER(\`local')dnl
		MAILER(\`smtp')dnl
	END
	delivery_mc
}

# AUTH asks a saslauthd: that needs no database.
sasl_file() {
	mkdir -p "$dir/sasl"
	cat >"$dir/sasl/Sendmail.conf" <<-END
		pwcheck_method: saslauthd
		saslauthd_path: $MTA_AUTH
		mech_list: PLAIN LOGIN
	END
}

write_files() {
	mkdir -p "$dir/queue"
	chmod 700 "$dir/queue"
	echo "$MTA_DOMAIN" >"$dir/local-host-names"
	printf 'hosts\tfiles dns\naliases\tfiles\n' >"$dir/service.switch"
	hosts_file >"$dir/hosts"
	[ -z "$MTA_AUTH" ] || sasl_file
	sendmail_mc >"$dir/sendmail.mc"
	cf=$root/usr/share/sendmail/cf/
	(cd "$cf" && m4 "-D_CF_DIR_=$cf" "$dir/sendmail.mc") >"$dir/sendmail.cf" 2>"$dir/m4.log" ||
		fail "the configuration is wrong" "see $dir/m4.log"
}

# run: in the foreground of a mount namespace with the own hosts file. SASL
# reads its settings only from fixed folders, so an empty one is covered.
run() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec unshare --mount sh -c '
		mount --bind "$1/hosts" /etc/hosts
		[ ! -d "$1/sasl" ] || mount --bind "$1/sasl" /usr/lib/sasl2
		exec "$2" -C "$1/sendmail.cf" -bD -X "$1/trace.log"' \
		sh "$dir" "$root/usr/libexec/sendmail/sendmail"
}

start() {
	root=$("$(dirname "$0")/fetch-sendmail.sh")
	command -v m4 >/dev/null || fail "m4 is missing" "apt-get install m4"
	[ "$(id -u)" = 0 ] || fail "this needs a mount namespace" "run this as root"
	mkdir -p "$dir"
	milter=${MTA_MILTER:-$dir/milter.sock}
	make_certificate
	port=$(port_or_free "$MTA_PORT")
	submit_port=$(port_or_free "$MTA_SUBMIT" "$port")
	write_files
	run >"$dir/start.log" 2>&1 </dev/null &
	pid=$!
	wait_port "${MTA_ADDR%% *}" "$port" "$pid" || {
		end_pid "$pid"
		fail "nobody listens on port $port" "see $dir/start.log"
	}
	printf 'pid=%s\nport=%s\nsubmit_port=%s\n' "$pid" "$port" "$submit_port" >"$dir/state"
	cat "$dir/state"
}

stop() {
	pid=$(state pid)
	alive "$pid" || return 0
	# A pid may have been given to somebody else since.
	grep -q sendmail "/proc/$pid/cmdline" || fail "process $pid is no Sendmail" "remove $dir/state"
	end_pid "$pid"
}

[ "$verb" = tags ] || [ -n "$dir" ] || verb=usage
case $verb in
tags) tags ;;
start) start ;;
stop) stop ;;
*)
	sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
