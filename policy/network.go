package policy

// The signals of this file say what the network is known for that the client's
// address belongs to (its autonomous system). It is the line's, and a network of
// one kind has customers of others: none has a measured rate among legitimate
// mail.

// asn is the test of a signal that one kind of network fails.
func asn(kind NetworkKind) func(*Facts, *Findings) {
	return func(f *Facts, out *Findings) {
		if f.Network.Kind == kind {
			out.Add(StatusFail, "network", f.Network.Name)
		}
	}
}

// listed is the test of a signal about one kind of list. Of several lists that
// have the client the weightiest counts: they copy each other. Its weight is what
// the admin gave to it.
func listed(kind ListKind) func(*Facts, *Findings) {
	return func(f *Facts, out *Findings) {
		var best *Listing
		for i := range f.Listings {
			l := &f.Listings[i]
			if l.Kind == kind && l.Weight != nil && (best == nil || l.Weight.heavier(best.Weight)) {
				best = l
			}
		}
		if best != nil {
			out.Add(best.Weight.Status, "list", best.Zone).Weight = best.Weight
		}
	}
}

func (w *Weight) heavier(than *Weight) bool {
	return max(w.Decibans[ClassAccess], -w.Decibans[ClassAccess]) > max(than.Decibans[ClassAccess], -than.Decibans[ClassAccess])
}

// ListWeight is what a listing is worth: so many decibans against a mail server,
// or for one on a list of those. Nobody has measured the list here, so it is at
// most MaxUnmeasured and completes no refusal.
func ListWeight(kind ListKind, decibans float64, source string) *Weight {
	d := min(decibans, MaxUnmeasured)
	w := &Weight{Signal: "list-" + kind.String(), Status: StatusFail, Source: source}
	switch kind {
	case ListAccess: // lines of offices are on such lists, too
		w.Decibans = weigh(0, d/2, d, d)
	case ListProxy:
		w.Decibans = weigh(0, 0, d, d)
	case ListAbuse:
		w.Decibans = weigh(d, d, d, d)
	case ListAllow:
		w.Status, w.Decibans = StatusPass, weigh(-d, -d, -d, -d)
	}
	return w
}
