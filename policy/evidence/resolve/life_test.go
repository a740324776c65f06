package resolve

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

// TestLife: what follows from answers holds as long as the first of them to end, be they
// from the cache or not.
func TestLife(t *testing.T) {
	now := newClock()
	r := resolver(t, Options{Now: now.Now}, serve(t, `
long.example 172800 IN A 192.0.2.1
hours.example 14400 IN A 192.0.2.1
short.example 30 IN A 192.0.2.1
example 3600 IN SOA ns.example. h.example. 1 7200 900 1209600 300
!servfail ill.example
`))
	after := func(wait time.Duration, names ...string) time.Duration {
		now.add(wait)
		ctx, life := WithLife(context.Background())
		for _, name := range names {
			_, _ = r.Addrs(ctx, name, 4)
		}
		return life.Left()
	}
	for i, tt := range []struct {
		wait  time.Duration
		names []string
		want  time.Duration
	}{
		{0, nil, 24 * time.Hour},
		{0, []string{"long.example"}, 24 * time.Hour},
		{0, []string{"hours.example"}, 4 * time.Hour},
		{10 * time.Minute, []string{"hours.example"}, 4*time.Hour - 10*time.Minute}, // from the cache
		{0, []string{"hours.example", "short.example", "long.example"}, 30 * time.Second},
		{20 * time.Second, []string{"short.example"}, 10 * time.Second},
		{0, []string{"no.example"}, 300 * time.Second},
		{0, []string{"ill.example", "hours.example"}, 4*time.Hour - 620*time.Second},
		{0, []string{"not a name"}, 24 * time.Hour},
	} {
		if got := after(tt.wait, tt.names...); got != tt.want {
			t.Errorf("%d: %v after %v holds for %v, want %v", i, tt.names, tt.wait, got, tt.want)
		}
	}
	if _, err := r.Names(context.Background(), netip.Addr{}); err == nil {
		t.Error("no address, no error")
	}
}
