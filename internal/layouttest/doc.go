// Package layouttest holds the rules that the compiler does not check: which
// package may import which, how long a function and a file may be, that each
// package says what it is for, and that what the documentation shows is what the
// program does. It has tests only. A test that fails prints the reason of its
// rule.
package layouttest
