package milter

import (
	"strings"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/policy"
)

const authHeader = "Authentication-Results"

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
			m.InsertHeader(s.top(), authHeader, v.Auth)
		}
		if v.Mark != "" {
			m.InsertHeader(s.top(), policy.HeaderName, v.Mark)
		}
	}
	if v.Action == policy.ActionQuarantine && s.agreed.can(gomilter.OptQuarantine) {
		m.Quarantine(v.Hold)
	}
}

// top is the index of the first header field: Postfix counts its own Received as
// the first one that is there, Sendmail counts from one.
func (s *session) top() int {
	if strings.HasPrefix(s.store.get(macroVersion), "Postfix") {
		return 0
	}
	return 1
}
