package resolve

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
)

func BenchmarkCached(b *testing.B) {
	r := resolver(b, Options{}, serve(b, world))
	ctx, client := context.Background(), netip.MustParseAddr("203.0.113.7")
	for name, ask := range map[string]func() error{
		"addrs":    func() error { return second(r.Addrs(ctx, "Mail.Example.org", 4)) },
		"names":    func() error { return second(r.Names(ctx, client)) },
		"nxdomain": func() error { _, _ = r.Addrs(ctx, "no.example.org", 4); return nil },
	} {
		b.Run(name, func(b *testing.B) {
			if err := ask(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				_ = ask()
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = r.Addrs(ctx, "mail.example.org", 4)
			}
		})
	})
}

// BenchmarkAsked is a question over the loopback interface, the server's part
// included.
func BenchmarkAsked(b *testing.B) {
	r := resolver(b, Options{}, serve(b, "*.example 300 IN A 192.0.2.1"))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := r.Addrs(context.Background(), fmt.Sprintf("n%d.example", i), 4); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCachedAnswersDoNotAllocate(t *testing.T) {
	r := resolver(t, Options{}, serve(t, world))
	ctx, client := context.Background(), netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() {
		_, _ = r.Addrs(ctx, "Mail.Example.org.", 4)
		_, _ = r.Names(ctx, client)
		_, _ = r.TXT(ctx, "no.example.org")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
