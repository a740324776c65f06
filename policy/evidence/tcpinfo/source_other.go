//go:build !linux

package tcpinfo

import (
	"net/netip"

	"github.com/iot-milter/iot-milter/policy"
)

// Source needs Linux: on this system there is none.
type Source struct{}

// New returns ErrUnsupported.
func New(Options) (*Source, error) { return nil, ErrUnsupported }

// Stack knows nothing.
func (*Source) Stack(_, _ netip.AddrPort) (policy.Stack, error) {
	return policy.Stack{}, ErrUnsupported
}

// Glance knows nothing.
func (*Source) Glance(_, _ netip.AddrPort) (policy.Stack, bool) { return policy.Stack{}, false }

// State says that there is nothing.
func (*Source) State() string { return "denied: " + ErrUnsupported.Error() }

// Close does nothing.
func (*Source) Close() error { return nil }
