package replay

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

func (s *source) mailParser() *parser {
	if s.mail == nil {
		s.mail = &parser{s.o.parseMail}
	}
	return s.mail
}

// parseMail reads the header of a stored message. What stands above the border
// hop one's own hosts have written, what stands below it the client has sent.
func (o *Options) parseMail(it *item) Record {
	at := it.place.String()
	switch {
	case len(it.text) == 0:
		return Record{Place: at, Damage: "no header"}
	case bytes.IndexByte(it.text, 0) >= 0:
		return Record{Place: at, Damage: "NUL bytes in the header"}
	}
	r := Record{ID: at, Place: at, Undecidable: NoHop}
	var m trail
	m.from = it.from
	for name, value := range fields(it.text) {
		if r.Headers != nil {
			if !m.ownID(name, value) {
				r.Headers.Add(name, value)
			}
			continue
		}
		if r.Undecidable == BadHop {
			break
		}
		if !fold(name, "Received") {
			m.above(name, value)
			continue
		}
		h := parseReceived(value)
		switch {
		case h.kind == hopUnread:
			r.Undecidable = BadHop
		case h.kind == hopClient && !o.own(&h):
			m.border = h
			m.fill(&r)
			if it.body != nil {
				r.Headers.KeepType()
			}
		}
	}
	if it.body != nil && r.Headers != nil {
		r.Headers.Links = it.body.Links(r.Headers)
	}
	r.Was = m.was(o.OwnHosts)
	return r
}

// own reports whether the client of a hop is one's own: by its address, or by a
// confirmed name. What it calls itself is no proof.
func (o *Options) own(h *hop) bool {
	within := func(p netip.Prefix) bool { return p.Contains(h.addr) }
	return slices.ContainsFunc(o.Exempt.Networks, within) || slices.ContainsFunc(o.Exempt.Relays, within) ||
		h.iprev == policy.IprevPass && slices.Contains(o.OwnHosts, lowerHost(h.name.String()))
}

// trail is what the fields above the border hop say.
type trail struct {
	border hop
	path   string // of Return-Path
	from   string // of the mbox "From " line
	mark   []byte // the topmost X-IoT-Spam
}

// above takes a field of one's own hosts. Only the topmost of a name counts: a
// later one may be the client's, when the border hop is not found.
func (m *trail) above(name, value []byte) {
	switch {
	case m.path == "" && fold(name, "Return-Path"):
		m.path = unfold(value)
	case m.mark == nil && fold(name, policy.HeaderName):
		m.mark = value
	}
}

// fill gives the record the facts of the border hop.
func (m *trail) fill(r *Record) {
	h := &m.border
	r.Undecidable = ""
	r.Client = policy.Client{At: h.at, MTA: h.by, Addr: h.addr, Name: h.name, Iprev: h.iprev}
	r.QueueID = h.id
	r.Greeting = policy.Greeting{Name: h.helo, TLSVersion: h.tls}
	r.Headers = new(policy.Headers)
	for _, sender := range []string{h.sender, m.path, m.from} {
		if sender != "" {
			r.Envelope.From = policy.Seen(address(sender))
			break
		}
	}
	if h.auth {
		r.Envelope.AuthType = "recorded"
	}
}

// ownID tells a Message-ID that the MTA of the border hop added, by its queue
// name: the client sent none.
func (m *trail) ownID(name, value []byte) bool {
	h := &m.border
	return h.id != "" && h.by != "" && fold(name, "Message-ID") &&
		strings.HasSuffix(strings.ToLower(unfold(value)), strings.ToLower(h.id+"@"+h.by+">"))
}

// was is the flag of the field that an own host wrote, above the border hop.
func (m *trail) was(own []string) string {
	if m.mark == nil {
		return ""
	}
	text := unfold(m.mark)
	_, host, _ := strings.Cut(text, " host=")
	host, _, _ = strings.Cut(host, " ")
	if host == "" || !slices.Contains(own, lowerHost(host)) && m.border.by != lowerHost(host) {
		return ""
	}
	flag, _, _ := strings.Cut(text, ",")
	switch flag = strings.ToLower(flag); flag {
	case "yes", "suspect", "no":
		return flag
	}
	return ""
}

func fold(name []byte, want string) bool {
	return strings.EqualFold(string(bytes.TrimRight(name, " \t")), want)
}
