// Package p0f asks a p0f 3 daemon what it knows of a client's address.
//
// p0f watches packets and keeps for each address what it made of them: the
// operating system by its TCP fingerprint, the kind of link by its MTU, the
// distance in hops, the uptime by its TCP timestamps. It knows addresses, not
// connections: behind one address may be many hosts, and the answer may be of
// another one than the client. What that is worth is policy's to judge; this
// package only asks, and never waits longer than it is told.
//
// The API is the file README of p0f 3.09b, section 4 ("API access"): queries of
// 21 bytes and answers of 232 on a stream socket of the file system, in the byte
// order of the machine, answered in the order they are asked. An answer does not
// say which address it is about. Two things in p0f shape the client:
//
//   - p0f may end when a connection is closed on which it is about to write an
//     answer (it neither ignores SIGPIPE nor forgives EPIPE, p0f.c,
//     live_event_loop). So a question that nobody waits for any longer leaves its
//     connection open, and who uses that next reads the late answer first.
//   - p0f takes 20 connections by default (its option -S) and turns round in its
//     loop, warning each time, while one more waits. So a client holds a few.
package p0f
