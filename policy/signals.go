package policy

// Signals is every signal, in the order in which findings are listed.
var Signals = []Signal{}
