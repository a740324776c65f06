# shellcheck shell=sh
# What postfix.sh and sendmail.sh share. Read by `.`, never run.
#
# Settings, all from the environment; every one has a default:
#
#   MTA_HOST    the MTA's own name                    mx.example.test
#   MTA_DOMAIN  the domain that it receives mail for  example.test
#   MTA_ADDR    addresses, the first is IPv4          127.0.0.1
#   MTA_PORT    port of the public listener           0: a free one
#   MTA_SUBMIT  port of the submission listener       0: a free one
#   MTA_MILTER  UNIX socket of the milter             DIR/milter.sock
#   MTA_SINK    PORT on 127.0.0.1 that takes LMTP     none: mail is discarded
#   MTA_AUTH    socket of a saslauthd                 none: no AUTH
#   MTA_FILTER  PORT of a content filter (Postfix)    none: no such listeners
#   MTA_HUB     DOMAIN=ADDRESS:PORT to relay to       none (Postfix)
#
# `start` writes DIR/state: lines of key=value with pid, port, submit_port,
# proxy_port (Postfix: the PROXY protocol) and, with a content filter, filter_port and reinject_port. It prints them too.

say() { echo "$(basename "$0"): $*" >&2; }

fail() {
	say "$1; hint: $2"
	exit 1
}

# A TCP port that nobody listens on, in the namespace of this process. Ports
# given out before are passed in, so that two listeners never get the same one.
free_port() {
	while :; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 10000))
		hex=$(printf ':%04X ' "$port")
		case " $* " in *" $port "*) continue ;; esac
		cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "$hex" || break
	done
	echo "$port"
}

# The given port, or a free one for 0.
port_or_free() {
	wanted=$1
	shift
	if [ "$wanted" = 0 ]; then free_port "$@"; else echo "$wanted"; fi
}

# alive PID: a zombie counts as gone, for its parent may never reap it.
alive() {
	[ -n "${1:-}" ] && [ -r "/proc/$1/stat" ] || return 1
	! grep -q ') Z ' "/proc/$1/stat"
}

# end_pid PID: asks politely, waits ten seconds, then insists.
end_pid() {
	kill -TERM "$1" 2>/dev/null || return 0
	tries=0
	while alive "$1"; do
		tries=$((tries + 1))
		[ $tries -gt 100 ] && kill -KILL "$1" 2>/dev/null
		[ $tries -gt 120 ] && fail "process $1 does not end" "look at it with ps"
		sleep 0.1
	done
}

# listening IPV4 PORT: read from the kernel, for a connection would make a
# session. It writes addresses in hexadecimal, the last octet first.
listening() {
	where=$(echo "$1" | tr . ' ')
	# shellcheck disable=SC2086 # four octets
	set -- $where "$2"
	grep -q "$(printf ' %02X%02X%02X%02X:%04X [0-9A-F]*:0000 0A' "$4" "$3" "$2" "$1" "$5")" /proc/net/tcp
}

# wait_port IPV4 PORT PID: until somebody listens there, ten seconds at most.
wait_port() {
	tries=0
	until listening "$1" "$2"; do
		alive "$3" || return 1
		tries=$((tries + 1))
		[ $tries -gt 100 ] && return 1
		sleep 0.1
	done
}

# state KEY: what start wrote; dir is the caller's.
# shellcheck disable=SC2154
state() { sed -n "s/^$1=//p" "$dir/state" 2>/dev/null; }

# A certificate that nobody trusts is enough: MTAs encrypt opportunistically.
make_certificate() {
	[ -s "$dir/tls.key" ] && return
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -days 30 -subj "/CN=$MTA_HOST" -addext "subjectAltName=DNS:$MTA_HOST" \
		-keyout "$dir/tls.key" -out "$dir/tls.crt" 2>"$dir/openssl.log") ||
		fail "cannot make a certificate" "see $dir/openssl.log"
}

MTA_HOST=${MTA_HOST:-mx.example.test}
MTA_DOMAIN=${MTA_DOMAIN:-example.test}
MTA_ADDR=${MTA_ADDR:-127.0.0.1}
MTA_PORT=${MTA_PORT:-0}
MTA_SUBMIT=${MTA_SUBMIT:-0}
MTA_SINK=${MTA_SINK:-}
MTA_AUTH=${MTA_AUTH:-}
MTA_FILTER=${MTA_FILTER:-}
MTA_HUB=${MTA_HUB:-}
