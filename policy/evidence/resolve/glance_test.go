package resolve

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestGlance finds what is kept and asks nobody; it counts only when it is told to, and
// what it found tells how long it holds.
func TestGlance(t *testing.T) {
	server, meter := serve(t, "kept.example 7200 A 192.0.2.1\nother.example 7200 A 192.0.2.2\n"), new(counts)
	r := resolver(t, Options{Meter: meter}, server)
	addrs(t, r, "kept.example")
	fails(t, r, "no.example", NXDomain)
	asked, misses := server.Count("", ""), meter.misses

	g := new(Glance)
	ctx, life := WithLife(g)
	if got, err := r.Addrs(ctx, "kept.example", 4); err != nil || len(got) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := r.Addrs(ctx, "no.example", 4); !IsNotFound(err) {
		t.Error(err)
	}
	if !g.Whole() || life.Left() > 2*time.Hour {
		t.Errorf("whole %v, holds for %v", g.Whole(), life.Left())
	}
	if meter.hits != 0 {
		t.Errorf("%d hits before they counted", meter.hits)
	}
	g.Count()
	if meter.hits != 2 || meter.misses != misses {
		t.Errorf("%d hits, %d misses", meter.hits, meter.misses)
	}

	_, err := r.Addrs(g, "other.example", 4)
	if FailureOf(err) != Busy || !errors.Is(err, ErrUnasked) || !IsTemporary(err) {
		t.Error(err)
	}
	if g.Whole() {
		t.Error("whole without an answer")
	}
	if n := server.Count("", ""); n != asked || meter.misses != misses {
		t.Errorf("%d questions, %d misses", n-asked, meter.misses-misses)
	}
	if addrs(t, r, "other.example") == "" {
		t.Error("not to be had later")
	}
}

// TestGlanceOfNothing: who asked nothing has no answers at hand.
func TestGlanceOfNothing(t *testing.T) {
	r, g := resolver(t, Options{}, serve(t, "")), new(Glance)
	_, _ = r.Addrs(g, "not a name", 4)
	if g.Count(); g.Whole() {
		t.Error("whole")
	}
}

// TestGlanceIsOver for who does not know what it is: nobody waits with it.
func TestGlanceIsOver(t *testing.T) {
	ctx, cancel := context.WithTimeout(new(Glance), time.Hour)
	defer cancel()
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("goes on")
	}
}
