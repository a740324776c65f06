package obs

import (
	"strings"
	"sync/atomic"

	"github.com/iot-milter/iot-milter/policy"
)

// Addresses shows the next recorders as much of mail addresses as the admin wants kept
// ([log] addresses, safety rule 21). It implements policy.Recorder and is safe for
// concurrent use.
type Addresses struct {
	next policy.Recorder
	hash func(address string) string
	form atomic.Uint32
}

// NewAddresses returns one that shows all, until Show. The hash is the installation's.
func NewAddresses(next policy.Recorder, hash func(address string) string) *Addresses {
	return &Addresses{next: next, hash: hash}
}

// Show sets how much is shown from now on.
func (a *Addresses) Show(form policy.AddressForm) { a.form.Store(uint32(form)) }

// Record implements policy.Recorder. The null sender is nobody's address.
func (a *Addresses) Record(r *policy.Record) {
	r.Addresses = policy.AddressForm(a.form.Load())
	if r.Sender != "" && r.Sender != "<>" {
		switch r.Addresses {
		case policy.AddressDomain:
			at := strings.LastIndexByte(r.Sender, '@')
			if at < 0 { // a local part alone
				at = len(r.Sender)
			}
			r.Sender = r.Sender[at:]
		case policy.AddressHash:
			r.Sender = a.hash(strings.ToLower(r.Sender))
		case policy.AddressNone:
			r.Sender = ""
		}
	}
	a.next.Record(r)
}
