package resolve

import (
	"errors"
	"net/netip"
	"strconv"
)

// Failure is why there is no answer. The zero value is none.
type Failure uint8

// The failures.
const (
	NXDomain Failure = iota + 1 // there is no such name (RFC 2308 section 2.1)
	NoData                      // the name has no such records (section 2.2)
	ServFail                    // the server could not find out
	Timeout                     // no answer in time, or no server that is up
	Refused                     // the server does not answer us
	Busy                        // own trouble: too many questions, no sockets, closed
	Invalid                     // an answer that is none: malformed, a loop, a referral
)

var failureWords = [...]string{"answer", "nxdomain", "nodata", "servfail", "timeout", "refused", "busy", "invalid"}

// String returns a lower-case word, "answer" for the zero value.
func (f Failure) String() string {
	if int(f) < len(failureWords) {
		return failureWords[f]
	}
	return "failure" + strconv.Itoa(int(f))
}

// What an Error may wrap, besides errors of the network and of a context.
var (
	ErrName   = errors.New("not a name that can be asked for")
	ErrDown   = errors.New("all servers are down")
	ErrBusy   = errors.New("too many questions under way")
	ErrClosed = errors.New("resolver is closed")
)

// Error is what each look-up fails with. It is shared between callers: it must
// not be changed.
type Error struct {
	Failure Failure
	Name    string         // as asked, lower case: an attacker's text
	Type    string         // "A", "AAAA", "PTR", "MX" or "TXT"
	Server  netip.AddrPort // the last that was asked, if any was
	Err     error          // the cause, if there is one beside the server's word
}

// Error implements error. The name is quoted.
func (e *Error) Error() string {
	s := "dns: " + e.Type + " of " + strconv.Quote(e.Name) + ": " + e.Failure.String()
	if e.Server.IsValid() {
		s += " from " + e.Server.String()
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause, which may be nil.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether nothing is known: all but NXDomain and NoData.
func (e *Error) Temporary() bool { return !e.NotFound() }

// NotFound reports whether it is known that there are no such records: NXDomain
// and NoData.
func (e *Error) NotFound() bool { return e.Failure == NXDomain || e.Failure == NoData }

// FailureOf returns the failure of an error of this package, 0 for others and nil.
func FailureOf(err error) Failure {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Failure
	}
	return 0
}

// IsTemporary reports whether err says that nothing is known. It is false for
// nil and for errors of other packages.
func IsTemporary(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Temporary()
}

// IsNotFound reports whether err says that there are no such records. It is
// false for nil and for errors of other packages.
func IsNotFound(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.NotFound()
}
