package policy

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// msgTrace compares who wrote the topmost Received field with who the client says
// it is: a mail server writes its own name there. Bots put an invented one on
// top. Private and one-word names are every small office's, and say nothing. Where
// HELO says no more than the line does, so does the difference to it: a server at
// home may greet by its PTR name and sign by its own.
func msgTrace(f *Facts, out *Findings) {
	if f.Headers == nil || f.HELO.Shape == device.ShapeNone {
		return
	}
	host := f.Headers.By.String()
	if host == "" {
		return
	}
	by := f.Table.Parse(host, netip.Addr{})
	if by.Shape != device.ShapeFQDN || by.Domain == "" {
		return
	}
	confirmed := f.Client.Iprev == IprevPass && !f.PTR.Any(numbered)
	switch {
	case by.Domain == f.HELO.Domain && independent(f), confirmed && by.Domain == f.PTR.Domain:
		out.Add(StatusPass, "received", host)
	case by.Domain == f.HELO.Domain, by.Domain == f.PTR.Domain:
		out.Add(StatusNeutral, "received", host)
	default:
		finding := out.Add(StatusFail, "received", host)
		if derived(f) || repeatsPTR(f) {
			finding.Family = FamilyLine
		}
	}
}

// msgTraceHELO finds a one-word or private HELO that also stands in the topmost
// Received field as its writer: a mail program that serves wrote both. Networks'
// names for lines are left out.
func msgTraceHELO(f *Facts, out *Findings) {
	if f.Headers == nil || f.HELO.Shape != device.ShapeSingle && f.HELO.Shape != device.ShapePrivate || derived(f) {
		return
	}
	if host := f.Headers.By.String(); host != "" && f.HELO.Equal(host) {
		out.Add(StatusPass, "received", host)
	}
}

// byHost returns the host of the "by" clause of a Received field (RFC 5321,
// section 4.4), empty for none.
func byHost(received []byte) []byte {
	clauses, _, _ := bytes.Cut(received, []byte(";"))
	by := false
	for word := range bytes.FieldsSeq(clauses) {
		if by {
			return bytes.TrimRight(word[:min(len(word), maxName)], ".")
		}
		by = is(word, "by")
	}
	return nil
}

// desktops begin the X-Mailer or User-Agent of mail programs for people, which
// hand mail to their provider's submission server. They are the claims that
// programs of that name make in public archives.
var desktops = [...]string{
	"Microsoft Outlook", "Microsoft Windows Mail", "Microsoft Windows Live Mail", "The Bat!", "QUALCOMM Windows Eudora", "Eudora",
	"Mozilla Thunderbird", "Thunderbird", "Mozilla/5.0", "Foxmail", "IncrediMail", "Pegasus Mail", "AOL", "Becky!", "Apple Mail", "Calypso",
}

// msgDesktop is a mail program for people that hands its mail straight to an MX,
// with no server between. Authenticated sessions are not judged.
func msgDesktop(f *Facts, out *Findings) {
	if mailer := desktop(f); mailer != "" && f.Headers.Received == 0 {
		out.Add(StatusFail, "mailer", mailer)
	}
}

// desktop is the mail program for people that the message claims, "" for none.
func desktop(f *Facts) string {
	if f.Headers == nil {
		return ""
	}
	mailer := strings.TrimSpace(f.Headers.Mailer.String())
	for _, d := range desktops {
		if strings.HasPrefix(mailer, d) {
			return mailer
		}
	}
	return ""
}

// msgDateZone finds a zone that no place on earth has: not in quarters of an
// hour, or beyond 14 hours (RFC 5322, section 3.3, allows any digits).
func msgDateZone(f *Facts, out *Findings) {
	if f.Headers == nil {
		return
	}
	date := f.Headers.Date.String()
	for word := range strings.FieldsSeq(date) {
		if zone, ok := zoneMinutes(word); ok && (zone%15 != 0 || zone > 14*60) {
			out.Add(StatusFail, "date", date)
			return
		}
	}
}

// zoneMinutes reads "+hhmm" or "-hhmm"; minutes of 60 and more are no multiple of
// anything.
func zoneMinutes(word string) (int, bool) {
	if len(word) != 5 || word[0] != '+' && word[0] != '-' {
		return 0, false
	}
	n := 0
	for _, c := range []byte(word[1:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	if n%100 >= 60 {
		return 1, true
	}
	return n/100*60 + n%100, true
}
