package main

import "testing"

// TestBurstByLinks: where the headers of a template have nothing in common the domain
// that its messages advertise finds it, through the socket and without harm; the header
// does not.
func TestBurstByLinks(t *testing.T) {
	o := small("campaigns,links")
	o.vary, o.judge = true, "links"
	for _, r := range mustMeasure(t, o).Results {
		if r.LegitRefused > 0 || r.DeferredShare > mayDefer || r.Trouble > 0 {
			t.Errorf("%s: %d legitimate refused, %.2f %% deferred, %d unjudged", r.Name, r.LegitRefused, 100*r.DeferredShare, r.Trouble)
		}
		if links := r.Name == "links"; links && (r.Stopped < reached || r.DeclaredLast > mustDeclare) || !links && r.Stopped > 0.01 {
			t.Errorf("%s: %.1f %% stopped, declared after %d messages", r.Name, 100*r.Stopped, r.DeclaredLast)
		}
	}
}
