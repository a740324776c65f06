// Package milter is the protocol edge: it speaks the Sendmail milter protocol
// with the MTA (the peer), turns frames into facts for a policy.Decider, and
// turns verdicts into replies and header edits. It decides nothing. It is the
// only package that imports github.com/emersion/go-milter, and no type of that
// library leaves it. The protocol has no standard; the reference is
// libmilter/mfdef.h and libmilter/docs in the Sendmail distribution.
//
// # Shape
//
// Server accepts connections and gives each one a library server of its own.
// Between the MTA and the library stands the edge, a net.Conn that reads whole
// frames, takes those that need no library (OPTNEG, macros, headers, bodies), hands on
// the rest, and holds answers back until the next read from the MTA, so that the
// edits and the reply of an end of message leave in one write.
//
// Bodies are not sent to us unless the wishes ask for them. Then the edge keeps the
// first policy.MaxBody bytes of those that the case wants to read, which it is asked
// at the end of the header, until the end of the message, and drops all others unread.
// A chunk needs no answer where the MTA offers that (SMFIP_NR_BODY). The answer "skip
// the rest" (SMFIR_SKIP) would save the copy of large mails and have the MTA wait at
// each of the others.
//
// # Scopes
//
// A session is one milter connection. It holds a client (CONNECT), its greeting
// (HELO, perhaps twice because of STARTTLS), and 0..n messages. MAIL opens a
// message and ends one that is still open; the answer to EOM, ABORT, HELO,
// CONNECT and the end of the connection end it. ABORT may come before MAIL,
// twice, or never. Ending is idempotent.
//
// # Quirks
//
// The numbers are quoted in code and tests (TestQuirk01 …). Library means
// go-milter v0.5.0.
//
//  1. After an answer whose Continue is false the library replaces the backend:
//     the second message of a connection would have no client. The session
//     writes its answers itself, through the edge, and gives the library none.
//  2. Whether it does depends on the spelling of the answer (CustomResponse or
//     SimpleResponse). See 1.
//  3. The library replaces its whole macro map with every macro frame. The edge
//     takes macro frames itself and keeps macros by name and scope.
//  4. The library forgets headers at ABORT only; Sendmail sends none after a
//     finished message. The edge takes header frames itself.
//  5. Sendmail writes an IPv6 client as "IPv6:2001:db8::1", which the library
//     parses to no address. The session reads the CONNECT frame itself.
//  6. The library answers OPTNEG without looking at the offer. The edge
//     answers itself and agrees on no more than that; Sendmail refuses more.
//  7. A macro list is sent only where the MTA offers to take one, and names
//     CONNECT alone: in Postfix a list replaces the defaults of each stage that
//     it names.
//  8. Where no-reply for DATA is agreed the library answers all the same. We never
//     ask for it.
//  9. The library sets no deadlines, its Close leaves sessions running, and an
//     Accept error ends Serve. Each library server serves one connection; the
//     accept loop, deadlines and shutdown are ours.
//  10. The library reads twice per frame, writes once per edit, and allocates 4 KiB
//     for each write. The edge buffers both; see also 1.
//  11. An error or panic of a callback closes the socket without an answer, and the
//     MTA does its default action. Callbacks recover and return no errors.
//  12. The library trims "<>" to "", drops ESMTP arguments, does not escape reply
//     text ("%" must be doubled) and knows no progress reply.
//  13. A header frame of none or of three strings is answered although no-reply was
//     agreed, which puts the dialogue out of step. See 4.
//  14. Postfix holds frames back until it wants an answer: with no-reply agreed for
//     CONNECT, HELO and MAIL it sends all three at the first RCPT. Where look-ups
//     begin with the connection, CONNECT is answered.
//
// The version agreed is always 2, which the library says whatever is offered:
// MTAs then never send the frames for unknown commands and DATA, and the no-reply
// bits of version 6 still work.
package milter
