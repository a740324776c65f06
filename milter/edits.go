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

// edit carries out a verdict's changes to the message at end of message, as far
// as the MTA agreed to them: forged fields go, from the highest index to the
// lowest because each removal renumbers those below it, then ours come.
// The edge holds all of it back, so the errors that the library's signatures
// promise cannot happen.
func (s *session) edit(m *gomilter.Modifier, v *policy.Verdict) {
	if s.agreed.can(gomilter.OptChangeHeader) {
		for i := s.headers.Marks(); i > 0; i-- {
			if i != v.KeepMark {
				m.ChangeHeader(i, policy.HeaderName, "")
			}
		}
		foreign := s.headers.ForeignAuth()
		for i := len(foreign) - 1; i >= 0; i-- {
			m.ChangeHeader(foreign[i], authHeader, "")
		}
	}
	if s.agreed.can(gomilter.OptAddHeader) {
		if v.Auth != "" {
			m.InsertHeader(top, authHeader, v.Auth)
		}
		if v.Mark != "" {
			m.InsertHeader(top, policy.HeaderName, v.Mark)
		}
	}
	if v.Action == policy.ActionQuarantine && s.agreed.can(gomilter.OptQuarantine) {
		m.Quarantine(v.Hold)
		s.held()
	}
}

// held logs what is now in the admin's care, with the command that lets it go
// (postsuper(1), sendmail(8)).
func (s *session) held() {
	id := s.store.get(macroQueueID)
	release := "sendmail -qI" + id + " -qQ -Q"
	if strings.HasPrefix(s.store.get(macroVersion), "Postfix") {
		release = "postsuper -H " + id
	}
	s.server.opts.Log.Warn("quarantined", "session", s.id, "qid", id, "release", release)
}
