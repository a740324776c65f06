// Package probe looks, after a verdict and for the next one, at what answers at
// the address of a suspicious client: the greeting of its web server, or of other
// services where they are named. It is off unless the admin switches it on, and
// no mail ever waits for it.
//
// What it finds is hearsay. Whoever answers at an address need not be who opened
// the SMTP connection: behind one address there may be a router with a web page
// and a PC with a bot. It never completes a refusal.
//
// # What it does not do
//
// It connects to the client's own literal address and to nothing else: there is no
// name anywhere in its way, nothing of what comes back is followed, and the dialer
// takes addresses only. It tries no password, no path but the one in its request, and
// sends no bytes but those of that request (request.go). It asks
// nobody who is in a network of the admin's, in one without an owner in the public
// Internet, mobile, rented or a mail server's, nor who opted out (rule.go), and asks
// rarely (rate.go). What comes back is an attacker's text: at most MaxText bytes are
// read in at most 3 seconds a connection, and of those some 80 are kept (read.go).
//
// Its source address should send no mail and be no MX: whoever is annoyed by the
// probe lists that address. That it is one of this machine is checked; that no MX
// record names it cannot be.
//
// A probe that cannot be made is no evidence and no error of the mail's.
package probe
