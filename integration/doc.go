// Package integration runs iot-milter with the real Postfix and the real
// Sendmail. The tests need root on Linux, Postfix, and Debian's Sendmail
// packages (mta/fetch-sendmail.sh unpacks them), and are built only with the
// tag integration:
//
//	go test -count=1 -tags integration ./integration/...
//	go test -count=1 -tags integration ./integration/ -run 'Cases/sendmail/07'
//
// Nothing is skipped: a missing MTA fails. IOT_MILTER names the daemon's
// binary; without it the tests build one.
//
// # Where it runs
//
// The test starts itself again in namespaces of its own: network, mounts,
// processes. There a fake name server answers at 127.0.0.1, /etc/hosts and
// /etc/resolv.conf are covered, /srv is a file system in memory, and both MTAs
// listen on port 25 of addresses of their own. A veth pair leads to a second
// network namespace in which every address of 198.51.100.0/24, 203.0.113.0/24,
// 10.0.0.0/8 and 2001:db8:99::/48 is local: the clients dial from there. Each kind
// of host that cases name has a third network, with settings of its own (host_test.go).
// A p0f watches all wires. The kernel ends all of it with the test; the machine sees
// nothing.
//
// The daemon collects evidence as it does out of the box: it asks the fake name server,
// and the kernel about the client's TCP stack. A client without "host:" is a machine
// like the one that runs the tests, which mostly means stack-server.
//
// Beside the cases there are tests in Go: TestFault… each break one source of evidence
// (fault_test.go), and TestNobodyWaitsForAnAcceptedClient compares waiting.
// They are played on Postfix. TestShared… have two Postfix, a daemon each, and a
// redis-server that the daemons share (shared_test.go). TestFaults, by `make faults`, breaks
// everything else under load and counts at the sink: faulttable_test.go is its table.
//
// TestMailbox has a Dovecot behind Postfix and reads the mail over IMAP (mailbox_test.go). It sets it up by the
// commands of docs/mailbox.md, as the tests of the other programs of that page do (snippet_test.go): SpamAssassin,
// rspamd, procmail and maildrop (filters_test.go), fail2ban (fail2ban_test.go).
//
// TestPage… take a real Chromium through the page of the daemon (page_test.go);
// browser/check.js is what they look for on each page.
//
// # How to write a case
//
// A case is a text file cases/NN-name.txtar. The words above the first section
// say what happens and which safety rule is kept. Sections follow:
//
//	-- case --
//	client: 203.0.113.7 cpe-203-0-113-7.dyn.isp.example
//	-- config --
//	mode = "enforce"
//	-- dialogue --
//	S: 220
//	C: EHLO DiskStation
//	S: 250
//	-- stored --
//	+ X-IoT-Spam: Yes, class=device .*
//	-- verdict --
//	class=device flag=yes action=tag
//
// Section case has lines "key: value":
//
//   - on: the benches, default "postfix xclient sendmail". On postfix and
//     sendmail the client has its own address in the other namespace; xclient
//     is Postfix again, told by XCLIENT who the client is. "hub" is a Postfix
//     that relays hub.example.test to a second one with a daemon of its own.
//   - needs: tags that the MTA must have (mta/postfix.sh tags); a bench whose
//     MTA lacks one is left out, and the log says so.
//   - client: ADDRESS [NAME [pass|fail|temperror]]: the PTR name and whether it
//     is confirmed (default pass). No NAME: no PTR.
//   - host: the kind of machine that the clients are, see below; then the default
//     of "on" is "postfix sendmail", for XCLIENT shows nothing of a machine.
//   - listener: smtp (default), submission, filter: a Postfix listener that hands
//     mail to a content filter, which gives it back to a second listener with the
//     same milter; or proxy: one behind a TCP proxy, which tells of the client by the
//     PROXY protocol.
//   - order: any, where another MTA's Received stands above our header.
//
// Kinds of hosts, and what the daemon sees of them:
//
//	server     plenty of memory: window scale 7, timestamps
//	office     the same on a PPPoE line (MTU 1492)
//	windows    window scale 8, no timestamps, on a PPPoE line
//	router     32 MB of memory: window scale 3, on a PPPoE line
//	camera     16 MB of memory: window scale 2, on a PPPoE line
//	nas        64 MB of memory: window scale 4
//	printer    the same
//
// Section config holds TOML on top of the runner's own settings. Keys of tables
// are written with dots (exempt.relays = [...]), so that a line can replace
// another; tables in double brackets may follow. On bench hub "config hub" is
// the second daemon's.
//
// Such files are there for it: asn.database = "/srv/networks.mmdb" (203.0.113.0/24
// are lines, 198.51.100.0/24 is rented, 2001:db8:99::/48 are telephones), which needs
// tables.dir = "/srv/tables", and p0f.socket = "/srv/p0f.sock".
//
// Section names adds to DNS, one a line: "ADDRESS PTR NAME", "NAME SERVFAIL", and what
// package dnstest understands: "NAME A 192.0.2.1", "NAME MX 10 OTHER", "!delay 200ms
// NAME" … Everything else does not exist. All cases share one zone, so each uses
// addresses and names of its own.
//
// Section dialogue is the SMTP session:
//
//	S: 250 .*PIPELINING   the server's whole reply must begin like this regexp
//	S? 250|421            no reply at all (a closed connection) is right too
//	C: MAIL FROM:<a@b>    the client's line
//	M: ham.eml            sends that section, or mails/ham.eml, and the final dot
//	M- ham.eml 10         sends its first 10 lines, no dot
//	hello NAME            greeting and EHLO NAME, both answered well
//	mail <FROM> <TO>,<TO> ham.eml
//	                      a whole transaction, every step answered well, 20 ms
//	                      after the recipients
//	TLS                   the handshake after STARTTLS
//	close, reset          ends the connection by FIN or RST
//	connect [CLIENT]      opens the next one, as this client or as the same
//	wait 200ms            waits
//	stored 2              waits until two messages are stored
//	daemon stop|kill|start|term|reload [SECTION]
//	                      SIGTERM and wait; SIGKILL; start; SIGTERM only;
//	                      SIGHUP, with another config section
//	daemon says REGEXP    waits until its log has that
//
// C lines and messages may use Go templates: {{repeat "A" 250}}, {{"\x01"}},
// {{headers 2000}}, {{lines 10 "text"}}.
//
// Each section stored is one message as the sink got it, in order; no such
// section means that nothing is stored:
//
//	to: a@example.test, b@example.test
//	+ Name: regexp    one field of that name, and it matches to the end
//	- Name            none
//	3 Name: regexp    three of them, and all match
//	body: regexp      found in the body
//
// The runner also checks each stored message for what always holds: one
// X-IoT-Spam at most, above the MTA's Received, in the contract's grammar.
//
// Section verdict has one line for each verdict line of the daemon, in order:
// key=regexp words that must be there; "" is the empty value. "signals+=a,b" wants
// both in the list, "signals-=a,b" neither. Their keys and the order of keys are always
// checked. Section log has regexps that must be
// found in the daemon's log, or must not after "! ". Section queue holds
// "quarantined: N", default 0; apart from these the queue must run empty.
//
// A line that begins with @postfix or @sendmail counts only there; $HOST is the
// MTA's own name. At the end of
// each case the daemon gets SIGTERM and must exit with 0.
package integration
