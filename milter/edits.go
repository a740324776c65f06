package milter

import (
	"strings"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/policy"
)

const authHeader = "Authentication-Results"

// top is the index that puts a field above all others, the MTA's own Received
// included: so it is in Postfix and in Sendmail, whose hidden first field is
// Return-Path.
const top = 0

// maxRemovals is how many fields of one name are removed. Postfix looks for each
// from the first header on: 1,000 take it 0.1 s, 10,000 4 s, and from 15,000 on
// its cleanup gives up and answers 451. A message with more of them keeps the
// lower ones; ours stands above.
const maxRemovals = 1000

// edit carries out a verdict's changes to the message at end of message, as far
// as the MTA agreed to them: forged fields go, from the highest index to the
// lowest because each removal renumbers those below it, then ours come.
func (s *session) edit(v *policy.Verdict) {
	if s.agreed.can(gomilter.OptChangeHeader) {
		s.removeMarks(v.KeepMark)
		if !v.KeepAuth {
			s.removeAuth()
		}
	}
	if s.agreed.can(gomilter.OptAddHeader) {
		if v.Auth != "" {
			s.edge.sayHeader(gomilter.ActInsertHeader, top, authHeader, v.Auth)
		}
		if v.Mark != "" {
			s.edge.sayHeader(gomilter.ActInsertHeader, top, policy.HeaderName, v.Mark)
		}
	}
	if v.Action == policy.ActionQuarantine && s.agreed.can(gomilter.OptQuarantine) {
		s.edge.sayQuarantine(v.Hold)
		s.held(v.Hold)
	}
}

func (s *session) removeMarks(keep int) {
	n := s.headers.Marks()
	if n > maxRemovals {
		s.server.opts.Meter.Event(EventForged)
		s.server.forged.Do(func() {
			s.server.opts.Log.Warn("a message has too many X-IoT-Spam fields to remove all of them",
				"session", s.id, "fields", n, "removed", maxRemovals, "hint", "only the topmost one is ours")
		})
		n = maxRemovals
	}
	for i := n; i > 0; i-- {
		if i != keep {
			s.edge.sayHeader(gomilter.ActChangeHeader, i, policy.HeaderName, "")
		}
	}
}

func (s *session) removeAuth() {
	foreign := s.headers.ForeignAuth()
	for i := min(len(foreign), maxRemovals) - 1; i >= 0; i-- {
		s.edge.sayHeader(gomilter.ActChangeHeader, foreign[i], authHeader, "")
	}
}

// held logs what is now in the admin's care, with the command that lets it go
// (postsuper(1), sendmail(8)).
func (s *session) held(reason string) {
	id := s.store.get(macroQueueID)
	release := "sendmail -qI" + id + " -qQ -Q"
	if strings.HasPrefix(s.store.get(macroVersion), "Postfix") {
		release = "postsuper -H " + id
	}
	s.server.opts.Meter.Event(EventHeld)
	s.server.opts.Log.Warn("quarantined", "session", s.id, "qid", id, "reason", reason, "release", release)
}
