// Package dnstest is a DNS server for tests, on real sockets (UDP and TCP). It
// knows what it is told, answers all else with NXDOMAIN, asks nobody, and can do
// what bad servers and bad people do. It is no part of the daemon.
//
// It is told by text: lines of a zone file (RFC 1035 section 5.1), all names
// absolute, and directives that make it misbehave for the names that follow, "*"
// being all names:
//
//	mail.example.org  300 IN A 192.0.2.1
//	!delay 200ms slow.example.org
//	!drop dead.example.org gone.example.org
//
// Directives can be combined:
//
//	!delay D      wait before the answer
//	!drop         never answer
//	!truncate     by UDP only the TC bit, all of it by TCP
//	!tcp-close    end the TCP connection without an answer
//	!servfail !refused !notimp
//	!bare         leave the question out of these
//	!formerr      FORMERR to questions with EDNS
//	!badvers      BADVERS to questions with EDNS
//	!lie-id !lie-question !lie-port   a forged answer first, then the true one
//	!garbage      the question, then nonsense
//	!noise        nonsense first, then the true answer
//	!shout        names in capitals
//	!nochase      one CNAME record, without what it leads to
//	!chain N      N CNAME records before the answer
//	!huge N       N records: addresses 10.x, or TXT
//	!rotate       one record of the set at a time
//	!nosoa        no SOA record beside "no"
//	!minimum S    negative time to live, in seconds
//	!referral     name servers of others instead of an answer
//	!clear        forget the directives for the name
//
// Forged answers lead to 203.0.113.66, and say "forged".
package dnstest
