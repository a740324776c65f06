package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// linkingTo is a message of which nothing but the link is another's, too.
func linkingTo(n int, body string) *policy.Headers {
	h := header("From: a@example.org", fmt.Sprintf("Subject: %s", strings.Repeat("word ", n+1)), fmt.Sprintf("X-Field-%d: x", n))
	var b policy.Body
	b.Add([]byte(body))
	h.Links = b.Links(h)
	return h
}

// advertised sends such messages from n networks, a second apart, and returns how many
// were put off.
func advertised(w *world, at time.Time, n int, helo string, body func(int) string) (put int) {
	for i := range n {
		if _, eom := talk(w, bot(i, at.Add(time.Duration(i)*time.Second)), helo, linkingTo(i, body(i)), "u@example.test"); eom.Refuses() {
			put++
		}
	}
	return put
}

func pills(i int) string {
	return fmt.Sprintf("http://h%d.pills.example/?%d http://www.w3.org/1999/xhtml", i, i)
}

func TestCampaignByLinks(t *testing.T) {
	s := campaigning(policy.ActionDefer)
	s.Campaign.URLs = true
	w := newWorld(t, s, nil)
	if put := advertised(w, began, 40, "user-pc", pills); put != 16 {
		t.Errorf("%d of 40 are put off, want those from the 25th on", put)
	}
	if w.meter.campaigns != 1 || strings.Count(w.log.String(), "msg=campaign") != 1 || !strings.Contains(w.log.String(), "by=links") {
		t.Errorf("%d campaigns: %s", w.meter.campaigns, w.log.String())
	}
	// A client of one of those networks that writes something else is not of it.
	if _, eom := talk(w, bot(3, began.Add(time.Minute)), "user-pc", linkingTo(99, "http://other.example"), "u@example.test"); eom.Refuses() {
		t.Error("another link is put off")
	}
	if _, eom := talk(w, bot(3, began.Add(time.Minute)), "user-pc", linkingTo(98, ""), "u@example.test"); eom.Refuses() {
		t.Error("no link is put off")
	}
	if w := newWorld(t, campaigning(policy.ActionDefer), nil); advertised(w, began, 40, "user-pc", pills) != 0 {
		t.Error("links count without the option")
	}
}

// TestSafety09SharedLinks: mail that has nothing in common but links to sites that all
// mail links to, or many links, is no campaign.
func TestSafety09SharedLinks(t *testing.T) {
	s := campaigning(policy.ActionDefer)
	s.Campaign.URLs = true
	for what, body := range map[string]func(int) string{
		"the maker":     func(int) string { return "See https://www.synology.com/support and http://192.168.1.5:5000/" },
		"a footer":      func(int) string { return "Virus-free. https://www.avast.com/sig-email?x" },
		"the recipient": func(int) string { return "http://www.example.test/tickets/4711" },
		"own domains":   func(i int) string { return fmt.Sprintf("https://www.office%d.example/ https://www.google.com/maps", i) },
		"a newsletter": func(int) string {
			return "http://a.example http://b.example http://c.example http://d.example http://e.example"
		},
		"one has nothing to say": func(int) string { return "" },
	} {
		w := newWorld(t, s, nil)
		if put := advertised(w, began, 60, "DiskStation", body); put != 0 || w.meter.campaigns != 0 {
			t.Errorf("%s: %d put off, %d campaigns", what, put, w.meter.campaigns)
		}
	}
}

// TestSafety09LinkHabits: things of a maker whom no list knows, and whose alerts differ
// from day to day in all but the link.
func TestSafety09LinkHabits(t *testing.T) {
	s := campaigning(policy.ActionDefer)
	s.Campaign.URLs = true
	w := newWorldOf(t, s, nil, 100_000)
	put := make([]int, 4)
	for day := range put {
		for i := range 100 {
			at := began.AddDate(0, 0, day).Add(time.Duration(i) * time.Second)
			if day < 2 { // over hours, on the first two mornings
				at = began.AddDate(0, 0, day).Add(time.Duration(i) * time.Minute)
			}
			k := w.Open(bot(i, at))
			k.Greeting(policy.Greeting{Name: policy.Seen("DiskStation")})
			k.Sender(policy.Envelope{From: policy.Seen("")}) // no sender that could be known
			k.Recipient(background, "admin@example.test")
			if v := k.Message(background, "q", linkingTo(100*day+i, "https://www.maker.example/help")); v.Refuses() {
				put[day]++
			}
			k.End(policy.EndEOM)
			k.Close()
		}
	}
	if put[2] != 0 || put[3] != 0 {
		t.Errorf("put off by day: %v", put)
	}
}

// TestSafety09LinkBystanders: whoever is no suspect is not touched by what he links to.
func TestSafety09LinkBystanders(t *testing.T) {
	s := campaigning(policy.ActionReject)
	s.Campaign.URLs = true
	w := newWorld(t, s, nil)
	advertised(w, began, 40, "user-pc", pills)
	c := client(server)
	c.At = began.Add(time.Minute)
	if _, eom := talk(w, c, serverName, linkingTo(50, pills(50)), "u@example.test"); eom.Refuses() {
		t.Errorf("a mail server: %+v", eom)
	}
}

// TestReads: bodies of suspects alone are wanted, and only where they count.
func TestReads(t *testing.T) {
	asks := func(urls bool, hosts int, c policy.Client, helo string) bool {
		s := campaigning(policy.ActionDefer)
		s.Campaign.URLs, s.Campaign.Hosts = urls, hosts
		d := newWorld(t, s, nil)
		if d.Wishes().Body != (urls && hosts > 0) {
			t.Errorf("urls %v, hosts %d: wishes %+v", urls, hosts, d.Wishes())
		}
		k := d.Open(c)
		defer k.Close()
		k.Greeting(policy.Greeting{Name: policy.Seen(helo)})
		before := k.Reads(spam(1))
		k.Sender(policy.Envelope{From: policy.Seen("a@example.org")})
		k.Recipient(background, "u@example.test")
		wants := k.Reads(spam(1))
		k.Message(background, "q", spam(1))
		k.End(policy.EndEOM)
		if before || k.Reads(spam(1)) {
			t.Error("wanted without a message")
		}
		return wants
	}
	noTime, local := bot(1, time.Time{}), bot(1, began)
	local.Unix = true
	for what, tt := range map[string]struct {
		urls  bool
		hosts int
		c     policy.Client
		helo  string
		want  bool
	}{
		"a suspect":          {true, 25, bot(1, began), "user-pc", true},
		"a device":           {true, 25, bot(1, began), "DiskStation", true},
		"a mail server":      {true, 25, client(server), serverName, false},
		"a local process":    {true, 25, local, "user-pc", false},
		"without a time":     {true, 25, noTime, "user-pc", false},
		"without the option": {false, 25, bot(1, began), "user-pc", false},
		"without campaigns":  {true, 0, bot(1, began), "user-pc", false},
	} {
		if got := asks(tt.urls, tt.hosts, tt.c, tt.helo); got != tt.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}
