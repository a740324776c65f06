// Package resolve asks the DNS for a mail filter: the addresses of a name, the
// names of an address, MX and TXT. It tells what the answer was and knows nothing
// of what it means. It is a stub (RFC 1034 section 5.3.1): it needs a resolver
// that recurses, best one on the same machine, and validates nothing itself.
//
// # Why not net.Resolver
//
// A filter has to tell "there is no such name" from "nobody could say", for a
// temporary failure is no evidence. net.Resolver gives no times to live, so its
// answers cannot be kept; it makes one error of NXDOMAIN and NODATA, and one of
// SERVFAIL and REFUSED; it appends search domains, by which a failure of one name
// can become another's NXDOMAIN; it has no servers of its own, shares no question
// between callers, and waits its full time for a server that has been dead for an
// hour. Here each of these is a choice that can be read and tested.
//
// # What is asked
//
// Names are absolute, always: search domains are never used. A name is text, not
// the form of zone files: a backslash is a byte like others. Asked are names of
// at most 253 bytes, labels of 1 to 63, of printable ASCII without blank: more
// than host names have, since SPF macros put local parts into names. What is
// outside that can name no host, so it is NXDomain with ErrName, at no cost.
// Names that come back (PTR, MX) are attackers' text and go into logs: those with
// anything but letters, digits, '-' and '_' are left out.
//
// # How it is asked
//
// Each try has a socket of its own, so that the port is random like the id, and
// the kernel takes answers from the server's address and port only. (It is
// connected rather than checked by hand: the kernel then also tells when the port
// is closed, and nobody waits for a resolver that is not there.) What has another
// id or question is dropped, and the wait goes on. EDNS0 offers 1232 bytes, which
// pass unfragmented everywhere; a server that cannot do EDNS is asked without for
// an hour; a truncated answer is asked for again by TCP.
//
// Servers are asked in their order, which is an order of preference in
// resolv.conf(5), unless it says "options rotate". Each gets two tries, by turns;
// one that answered SERVFAIL, REFUSED or nonsense is not asked again. The whole
// question takes five times the time of one try at most.
//
// # What is kept
//
// Answers, as long as they live: at least 5 s, since the stages of one session
// ask the same things and many bots' names have a time of zero; at most 1 h, since
// a line's address moves to another customer, and the resolver behind keeps them
// longer if it likes. "No such name" and "no such data" for the SOA's time
// (RFC 2308 section 5), between 5 s and 10 min: who adds a missing PTR record and
// tries again must not wait for hours. Without an SOA, 5 s. Failures for 5 s
// (RFC 9520 section 3.2 wants 1 s to 5 min): enough to spare the resolver a storm.
// Names that nobody asks for twice cannot push out those that are asked for
// often, and big answers count by their bytes.
//
// # Servers that are down
//
// After 5 timeouts in a row a server is tried with a question of our own, for the
// root's name servers, which every live resolver knows: names whose servers are
// dead, which anybody can have asked for, do not make the resolver look dead. If that fails,
// too, it is left alone for 2 s, and for twice as long after each further trial
// that fails, up to a minute. Nobody waits for trials. While all are down, questions fail at once.
package resolve
