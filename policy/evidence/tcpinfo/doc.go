// Package tcpinfo reads what the kernel knows of the TCP stack at the other end of
// an SMTP connection. It asks by sock_diag(7), without privilege, without sniffing
// and without touching the connection; it opens no port, sends nothing to the
// client and judges nothing.
//
// # What is asked
//
// A netlink socket (AF_NETLINK, NETLINK_SOCK_DIAG) takes an inet_diag_req_v2 of 56
// bytes with the four-tuple of the connection, and answers an inet_diag_msg with
// the attribute INET_DIAG_INFO: struct tcp_info (tcp(7)). Any user may ask for
// any user's connection of the same network namespace. The kernel answers within
// the call that sends the request, in some microseconds.
//
// The look-up is the kernel's own (inet_diag_find_one_icsk in
// net/ipv4/inet_diag.c), from which follows:
//
//   - All four parts must be right: the table of connections is hashed by them,
//     and there is no wildcard. An unknown part is guessed (ports 25, 587, 465 and
//     10025) or learned, see Source.Stack.
//   - Where there is no such connection the kernel answers with the socket that
//     listens there, if there is one. Such an answer is no hit, but tells that the
//     listener is in our network namespace.
//   - A request for AF_INET finds the connections of a listener on [::] too. The
//     answer has AF_INET6 and mapped addresses. There is no need to ask twice:
//     for two mapped addresses the kernel does the AF_INET look-up itself.
//   - Sockets bound to a device or a VRF, and link-local clients, are found only
//     with the index of the device, which no MTA tells: it is learned.
//   - "No such socket" and "no tcp_diag module" are both ENOENT. New tells them
//     apart by a dump, which is ENOENT only without the module.
//   - In kernels before 6.9 requests of all processes wait for one mutex while one
//     of them dumps (ss(8)).
//
// # What the fields mean
//
// Of include/uapi/linux/tcp.h, filled by tcp_get_info in net/ipv4/tcp.c. We are the
// side that accepted:
//
//   - tcpi_options has TIMESTAMPS, SACK, WSCALE where the client's SYN offered it
//     and we know it too: tcp_parse_options (net/ipv4/tcp_input.c) skips what
//     net.ipv4.tcp_timestamps, tcp_sack or tcp_window_scaling turns off. So a bit
//     that is set is the client's; one that is missing is the client's only where
//     our own setting is on. It is read, and where it is off, Whole is false.
//   - tcpi_snd_wscale is the scale of the client's SYN, cut to 14. On machines of
//     big byte order it is the high half of its byte.
//   - ECN in tcpi_options is set only if the SYN had ECE and CWR, so true is
//     certain; false tells nothing, not even with Whole: net.ipv4.tcp_ecn 0,
//     routers that clear bits and SYNs with an ECT mark all look alike. ECN_SEEN
//     ("a packet with ECT came") is the path's and is not used.
//   - tcpi_snd_mss is what we send in a segment: the smallest of the MSS in the
//     SYN, the TCP_MAXSEG of the listener, and our path MTU less 40 bytes (IPv6
//     60), less 12 more with timestamps. Only a value below what our path MTU
//     (tcpi_pmtu) explains was announced by the client, or by a router that
//     clamps it, ours included. A SYN without the option reads as 536 (IPv6 1220).
//   - net.ipv4.tcp_mtu_probing 2 starts every connection at tcp_base_mss (1024),
//     and 1 lowers it after time-outs: then the MSS is ours and not told.
//   - For a tiny window tcpi_snd_mss is half of it (tcp_bound_to_half_wnd): the
//     kernel cuts it when the connection begins, and again when the path MTU
//     changes. An MSS of half of the window or more (tcpi_snd_wnd, since 5.4) is
//     not told. A window that has grown since hides the cut: another reason to
//     keep what the first answer said.
//   - tcpi_total_retrans counts SYN-ACKs that were sent again, too.
//   - tcpi_rtt is smoothed, in microseconds. It is 0 before anything of ours was
//     acknowledged: right after a SYN cookie.
//
// The scale of a Linux client follows the larger of its net.ipv4.tcp_rmem and
// net.core.rmem_max (tcp_select_initial_window in net/ipv4/tcp_output.c), bounded by
// SO_RCVBUF and the route's window. In newer kernels (seen with 6.18) rmem_max is 4 MB by default, whatever
// the memory: with such a kernel a small box has 7 or more, too. A small scale proves
// a small machine or a set buffer; a large one proves nothing.
//
// tcp_info only ever grows at its end; what an older kernel does not tell stays
// unknown, what a newer one adds is ignored.
//
// # SYN cookies
//
// While the queue of a listener overflows (or always, with net.ipv4.tcp_syncookies
// 2) nothing is kept of a SYN. What the client offered comes back in the timestamp
// that it echoes: scale, SACK and ECN survive with timestamps, nothing does without
// (cookie_timestamp_decode in net/ipv4/syncookies.c). The MSS is rounded down in any
// case, to 536, 1300, 1440 or 1460 (IPv6 1220, 1420, 1440, 8940). No field of
// tcp_info tells a connection that began so. The counter SyncookiesRecv of
// /proc/self/net/netstat does for the namespace: for a minute after it rose the MSS
// is not told, and Whole is false where timestamps are missing. It is read at most
// once a second, and at most ten times a second for answers that depend on it.
//
// Ask when a connection begins, and keep what that answer said of options and MSS:
// minutes later nobody knows about cookies of then. RTT and retransmissions are
// worth a second question at the end of the message.
//
// # What stays unseen
//
// TTL, initial window, order of options. Connections of other network namespaces
// (an MTA in a container), and those that end at a TCP proxy in front of the MTA
// (haproxy, a cloud's load balancer), with XCLIENT or the PROXY protocol: there is
// no such connection here, and the answer is "not known". What terminates TCP in
// our own kernel before the listener (netfilter's SYNPROXY) shows its options, not
// the client's.
//
// # What a systemd unit needs
//
// No capability and no user: NoNewPrivileges, an empty CapabilityBoundingSet and
// DynamicUser are fine. RestrictAddressFamilies must have AF_NETLINK:
//
//	RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
//
// and the unit must share the MTA's network: no PrivateNetwork, no other
// NetworkNamespacePath. ProtectProc has no effect, for only our own folder
// /proc/self is read. ProtectKernelTunables has none, for nothing is written.
// ProcSubset=pid hides /proc/sys, and so our own settings: then an option that is
// missing counts only after another connection showed that we speak it, and an
// MSS only on connections without retransmissions. /proc/self/net stays. AppArmor
// needs "network netlink raw".
//
// The kernel needs CONFIG_INET_DIAG and CONFIG_INET_TCP_DIAG, which it loads by
// itself at the first request if they are modules (inet_diag, tcp_diag). Other
// operating systems have nothing like it without privilege.
package tcpinfo
