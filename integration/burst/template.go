package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// template is one message of the spamware: everything but the words that it puts
// in by chance.
type template struct {
	order    []string // of the fields
	mailer   string   // "" for none
	id       int      // shape of Message-ID; -1 for none
	single   bool     // its host is one word
	trace    trace
	badZone  bool
	dice     bool // senders thrown by dice
	subjects []string
}

// trace is what the spamware puts on top as Received.
type trace uint8

const (
	traceNone    trace = iota
	traceForeign       // by a host that the client is not
	traceOwn           // by what the client greets with
)

var (
	mailers = []string{"Microsoft Outlook Express 6.00.2900.2180", "Microsoft Outlook, Build 10.0.2627", "The Bat! (v2.00.9) Business",
		"Mozilla Thunderbird 1.5.0.9", "QUALCOMM Windows Eudora Version 7.0.1.0", "Foxmail 5.0", ""}
	plainMailers = []string{"PHP/5.2.1", "CommuniGate Pro WebUser", "MIME-tools 5.41", "Internet Mail Service (5.5.2650.21)", ""}
)

// newTemplates makes so many, with what spam of 2007 was made of: of 1,000 such
// mails 36 % had no Received field, 24 % a desktop program's name and no Received, 34 %
// one by somebody else, 9 % no Message-ID, 13 % one with a host of one word, 8 % a
// time zone that there is not, 10 % a sender thrown by dice.
func newTemplates(r *rand.Rand, n int) []template {
	list := make([]template, n)
	for i := range list {
		t := template{id: r.IntN(len(ids)), badZone: r.IntN(100) < 8, dice: r.IntN(100) < 10}
		t.order = []string{"From", "To", "Subject", "Date", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "X-Priority", "Reply-To"}
		t.order = t.order[:7+r.IntN(3)]
		r.Shuffle(len(t.order), func(a, b int) { t.order[a], t.order[b] = t.order[b], t.order[a] })
		switch n := r.IntN(100); {
		case n < 24:
			t.mailer = mailers[r.IntN(len(mailers)-1)]
		case n < 36:
			t.mailer = plainMailers[r.IntN(len(plainMailers))]
		case n < 70:
			t.trace, t.mailer = traceForeign, mailers[r.IntN(len(mailers))]
		default:
			t.trace, t.mailer = traceOwn, mailers[r.IntN(len(mailers))]
		}
		if r.IntN(100) < 9 {
			t.id = -1
		}
		t.single = t.trace == traceNone && r.IntN(36) < 13
		for range 3 {
			t.subjects = append(t.subjects, phrase(r))
		}
		list[i] = t
	}
	return list
}

// phrase is a subject with room for two words by chance and a number.
func phrase(r *rand.Rand) string {
	parts := []string{words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))], "%w"}
	if r.IntN(2) == 0 {
		parts = append(parts, "%w")
	}
	if r.IntN(2) == 0 {
		parts = append(parts, "%d")
	}
	r.Shuffle(len(parts), func(a, b int) { parts[a], parts[b] = parts[b], parts[a] })
	return strings.Join(parts, " ")
}

var ids = []func(r *rand.Rand) string{
	func(r *rand.Rand) string {
		return fmt.Sprintf("%012x$%08x$%08x", r.Uint64()>>16, r.Uint32(), r.Uint32())
	},
	func(r *rand.Rand) string { return fmt.Sprintf("%d.%d", 20261126000000+r.IntN(1000000), r.IntN(100000)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Uint64()>>16)
	},
	func(r *rand.Rand) string { return fmt.Sprintf("%016X", r.Uint64()) },
}

// sender is an address as the template has it: no two messages have one.
func (t *template) sender(r *rand.Rand) string {
	if t.dice {
		const letters = "bcdfghjklmnpqrstvwxz"
		b := make([]byte, 9)
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b) + "@" + words[r.IntN(len(words))] + ".example.com"
	}
	return words[r.IntN(len(words))] + "." + words[r.IntN(len(words))] + "@" + words[r.IntN(len(words))] + ".example.com"
}

// headers is a message of the template.
func (t *template) headers(h *host, m *mail, at time.Time) []mtascript.Header {
	r := rand.New(rand.NewPCG(m.seed, 1))
	list := make([]mtascript.Header, 0, 14)
	add := func(name, value string) { list = append(list, mtascript.Header{Name: name, Value: value}) }
	zone := zones[r.IntN(len(zones))]
	if t.badZone {
		zone = "-0160"
	}
	date := at.Format("Mon, 02 Jan 2006 15:04:05 ") + zone
	switch t.trace {
	case traceForeign:
		add("Received", fmt.Sprintf("from %s (%s [198.51.100.%d])\n\tby mx%d.example.org with SMTP id %x; %s",
			words[r.IntN(len(words))], words[r.IntN(len(words))], r.IntN(256), r.IntN(9), r.Uint32(), date))
	case traceOwn:
		add("Received", fmt.Sprintf("from %s ([10.0.0.%d])\n\tby %s with SMTP id %x; %s", words[r.IntN(len(words))], r.IntN(256), h.helo, r.Uint32(), date))
	}
	if t.id >= 0 {
		host := words[r.IntN(len(words))] + ".example.com"
		if t.single {
			host = words[r.IntN(len(words))]
		}
		add("Message-ID", "<"+ids[t.id](r)+"@"+host+">")
	}
	values := map[string]string{
		"From": words[r.IntN(len(words))] + " <" + m.from + ">", "To": "<" + m.rcpt + ">", "Date": date, "MIME-Version": "1.0",
		"Content-Type": "text/html; charset=iso-8859-1", "Content-Transfer-Encoding": "7bit", "X-Priority": "3", "Reply-To": m.from,
	}
	for _, name := range t.order {
		if name == "Subject" {
			add(name, fill(r, t.subjects[r.IntN(len(t.subjects))]))
			continue
		}
		add(name, values[name])
	}
	if t.mailer != "" {
		add("X-Mailer", t.mailer)
	}
	return list
}

func fill(r *rand.Rand, pattern string) string {
	for strings.Contains(pattern, "%w") {
		pattern = strings.Replace(pattern, "%w", words[r.IntN(len(words))], 1)
	}
	return strings.Replace(pattern, "%d", fmt.Sprint(r.IntN(1000)), 1)
}

var zones = []string{"+0000", "+0100", "-0500", "+0800", "-0300", "+0530"}

// words are what subjects, hosts and senders are made of.
var words = slices.Collect(strings.FieldsSeq(`amber anchor april arrow autumn basket beacon berry birch blossom border bottle branch
	breeze bridge bronze button candle canyon castle cedar chapel cherry circle clover cobalt copper coral cotton crystal daisy
	dawn delta desert dragon eagle ember falcon feather fern field finch flint forest fountain garden ginger glacier granite grove
	harbor harvest hazel heron hollow honey island ivory jasmine juniper kettle lagoon lantern lemon lilac linen lotus maple
	marble meadow mirror mosaic mountain nectar nettle oak ocean olive opal orchard otter pebble pepper pine planet plum poppy
	quartz quill raven ribbon river robin rocket saffron sail sand shadow silver smoke spruce stone summer thistle timber tulip
	valley velvet violet walnut willow winter wren zephyr`))
