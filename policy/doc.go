// Package policy is what iot-milter believes and decides: facts → signals →
// class → verdict. It is pure: no network, no clock, no goroutine, no logger.
//
// # Goal
//
// Say what kind of machine the SMTP client is (a mail server, a hosted
// machine, a business line, a consumer access line, an embedded device), how
// sure that is, and what follows for the message. A missed spam is forgiven,
// a wrongly refused mail is not.
//
// # Order
//
// First, who is exempt: local and listed networks, submission (authenticated,
// or on a submission daemon or port), listed confirmed names. They are not
// judged at all, and the reason is logged. Everybody else is judged twice: at
// RCPT from what the connection shows, and at end of message from everything,
// because headers come only after the client's final dot.
//
// A judgement runs every signal of the table Signals over the facts. A signal
// that has something to say appends a finding: its status and the fact that
// caused it, quoted. The weight of a finding is looked up in one table, Weights,
// where each row names its source. Weights are decibans (10·log10 of a
// likelihood ratio); they add, the sum of a group is capped, and with the prior
// they give a probability for each class.
//
// The verdict follows from class, confidence and the admin's rules. A refusal
// needs evidence of two families: of the line and of the client itself. An
// independent fully qualified name in HELO withholds it: a self-hoster on an
// access line has one, a bot has not. What is unknown is no evidence.
//
// # Where to add things
//
// A new signal is one function in the file of its group, one row in Signals
// and one in Weights. A new fact is a field of Facts with a value for
// "unknown".
package policy
