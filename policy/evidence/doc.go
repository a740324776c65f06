// Package evidence gathers what the MTA does not tell about a client: the TCP
// stack of the connection, DNS, the network of the address, lists, p0f, and what an
// earlier probe saw.
//
// Look-ups start at CONNECT, HELO and, for suspects, MAIL, run beside the SMTP
// dialogue and are awaited only where more than a tag would follow. Each source is
// bounded in time, number and memory, and keeps what it found for a time of its
// own. Own trouble (a source that is dead, slow, full or denied) leaves a fact
// unknown, is counted, and never becomes a verdict: what the facts mean is policy's.
//
// The packages below hold one source each: resolve is DNS, tcpinfo the kernel, asn
// databases of networks, p0f a daemon that watches packets, probe a look at the
// client's own greetings.
package evidence
