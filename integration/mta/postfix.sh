#!/bin/sh
# A private Postfix for tests: own configuration, own queue, own ports.
#
#   postfix.sh tags          what test cases may require of this MTA
#   postfix.sh start DIR     starts an instance that lives in DIR
#   postfix.sh stop DIR      ends it
#
# The machine's own Postfix is not touched; several instances run side by side.
# Settings come from the environment: see lib.sh.
set -eu
# shellcheck source=integration/mta/lib.sh disable=SC1091
. "$(dirname "$0")/lib.sh"

verb=${1:-}
dir=${2:-}

tags() {
	echo "postfix xclient proxy starttls auth submission quarantine ipv6 filter hub"
}

# main_cf: whatever would touch the outside is switched off.
main_cf() {
	cat <<-END
		compatibility_level = 3.6
		queue_directory = $dir/queue
		data_directory = $dir/data
		maillog_file = $dir/mail.log
		maillog_file_prefixes = $dir
		mail_owner = postfix
		setgid_group = postdrop
		myhostname = $MTA_HOST
		mydomain = $MTA_DOMAIN
		mydestination =
		mynetworks = 127.0.0.0/8
		inet_interfaces = $MTA_ADDR 127.0.0.1
		inet_protocols = all
		enable_long_queue_ids = yes
		alias_maps =
		alias_database =
		local_recipient_maps =
		virtual_mailbox_domains = $MTA_DOMAIN
		virtual_transport = $transport
		relay_domains = ${MTA_HUB%%=*}
		transport_maps = $routes
		smtp_bind_address = ${MTA_ADDR%% *}
		smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
		disable_dns_lookups = yes
		smtpd_error_sleep_time = 0
		smtpd_hard_error_limit = 1000
		smtpd_client_port_logging = yes
		smtpd_authorized_xclient_hosts = 127.0.0.0/8
		smtpd_timeout = 60s
		message_size_limit = 20480000
		lmtp_destination_concurrency_limit = 20
		smtpd_tls_security_level = may
		smtpd_tls_cert_file = $dir/tls.crt
		smtpd_tls_key_file = $dir/tls.key
		smtp_tls_security_level = none
		smtpd_milters = { unix:$milter, connect_timeout=2s, command_timeout=8s, content_timeout=30s, default_action=accept }
		milter_protocol = 6
	END
	[ -z "$MTA_AUTH" ] || auth_cf
}

# AUTH asks a saslauthd: that needs no database.
auth_cf() {
	mkdir -p "$dir/sasl"
	cat >"$dir/sasl/smtpd.conf" <<-END
		pwcheck_method: saslauthd
		saslauthd_path: $MTA_AUTH
		mech_list: PLAIN LOGIN
	END
	cat <<-END
		smtpd_sasl_auth_enable = yes
		smtpd_sasl_type = cyrus
		smtpd_sasl_path = smtpd
		cyrus_sasl_config_path = $dir/sasl
	END
}

# hub_route: DOMAIN=ADDRESS:PORT as a table of one line.
hub_route() {
	next=${MTA_HUB#*=}
	echo "inline:{ { ${MTA_HUB%%=*} = smtp:[${next%:*}]:${next##*:} } }"
}

# listener ADDRESS PORT [OPTION…]: one smtpd line of master.cf.
listener() {
	where=$1:$2
	case $1 in *:*) where="[$1]:$2" ;; esac
	shift 2
	echo "$where inet n - n - - smtpd"
	for option in "$@"; do echo "  -o $option"; done
}

# No service is chrooted: the sockets lie in DIR.
master_cf() {
	for addr in $MTA_ADDR; do
		listener "$addr" "$port"
		listener "$addr" "$submit_port" milter_macro_daemon_name=ORIGINATING
	done
	listener "${MTA_ADDR%% *}" "$proxy_port" smtpd_upstream_proxy_protocol=haproxy
	if [ -n "$MTA_FILTER" ]; then
		listener "${MTA_ADDR%% *}" "$filter_port" "content_filter=smtp:[127.0.0.1]:$MTA_FILTER"
		listener 127.0.0.1 "$reinject_port" content_filter=
	fi
	cat <<-END
		pickup unix n - n 60 1 pickup
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		tlsmgr unix - - n 1000? 1 tlsmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		trace unix - - n - 0 bounce
		verify unix - - n - 1 verify
		flush unix n - n 1000? 0 flush
		proxymap unix - - n - - proxymap
		proxywrite unix - - n - 1 proxymap
		smtp unix - - n - - smtp
		relay unix - - n - - smtp
		showq unix n - n - - showq
		error unix - - n - - error
		retry unix - - n - - error
		discard unix - - n - - discard
		local unix - n n - - local
		virtual unix - n n - - virtual
		lmtp unix - - n - - lmtp
		anvil unix - - n - 1 anvil
		scache unix - - n - 1 scache
		postlog unix-dgram n - n - 1 postlogd
	END
}

choose_ports() {
	port=$(port_or_free "$MTA_PORT")
	submit_port=$(port_or_free "$MTA_SUBMIT" "$port")
	filter_port=$(free_port "$port" "$submit_port")
	reinject_port=$(free_port "$port" "$submit_port" "$filter_port")
	proxy_port=$(free_port "$port" "$submit_port" "$filter_port" "$reinject_port")
}

write_state() {
	{
		echo "pid=$1"
		echo "port=$port"
		echo "submit_port=$submit_port"
		echo "proxy_port=$proxy_port"
		[ -z "$MTA_FILTER" ] || printf 'filter_port=%s\nreinject_port=%s\n' "$filter_port" "$reinject_port"
	} >"$dir/state"
	cat "$dir/state"
}

start() {
	command -v postfix >/dev/null || fail "postfix is missing" "apt-get install postfix"
	[ "$(id -u)" = 0 ] || fail "Postfix starts only as root" "run this as root"
	mkdir -p "$dir/queue" "$dir/data"
	chown postfix "$dir/data"
	milter=${MTA_MILTER:-$dir/milter.sock}
	transport=discard:
	[ -z "$MTA_SINK" ] || transport=lmtp:inet:127.0.0.1:$MTA_SINK
	routes=
	[ -z "$MTA_HUB" ] || routes=$(hub_route)
	make_certificate
	choose_ports
	main_cf >"$dir/main.cf"
	master_cf >"$dir/master.cf"
	postfix -c "$dir" start >"$dir/start.log" 2>&1 ||
		fail "postfix does not start" "see $dir/start.log and $dir/mail.log"
	pid=$(tr -d ' ' <"$dir/queue/pid/master.pid")
	wait_port "${MTA_ADDR%% *}" "$port" "$pid" ||
		fail "nobody listens on port $port" "see $dir/mail.log"
	write_state "$pid"
}

stop() {
	pid=$(state pid)
	alive "$pid" || return 0
	# A pid may have been given to somebody else since.
	grep -q master "/proc/$pid/cmdline" || fail "process $pid is no Postfix" "remove $dir/state"
	end_pid "$pid"
}

[ "$verb" = tags ] || [ -n "$dir" ] || verb=usage
case $verb in
tags) tags ;;
start) start ;;
stop) stop ;;
*)
	sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
