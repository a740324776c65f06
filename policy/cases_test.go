package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
)

// TestCases plays testdata/NN-name.txtar; testdata/README.md describes them.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(strings.TrimSpace(string(a.Comment))) == 0 {
				t.Error("no word about what the case shows")
			}
			p := &play{T: t, settings: defaults(), helo: true}
			for i := range a.Files {
				p.section(&a.Files[i], i+1 < len(a.Files) && a.Files[i+1].Name == "header")
			}
			if got := p.answers(); len(got) > 0 {
				t.Errorf("nobody wanted to know of\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

// play is one case under way.
type play struct {
	*testing.T
	settings *decider.Settings
	evidence policy.Evidence
	world    *world
	sessions int
	helo     bool
	judge    policy.Case
	message  []row
	rows     []string // what happened, in the words of "want"
}

type row struct{ key, value string }

func rows(p *play, data []byte) (out []row) {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, ": ")
		if !ok {
			key, ok = strings.CutSuffix(line, ":")
		}
		if !ok {
			p.Fatalf("%q is no \"key: value\"", line)
		}
		out = append(out, row{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	return out
}

func (p *play) section(f *txtar.File, headerFollows bool) {
	switch f.Name {
	case "rules":
		for _, r := range rows(p, f.Data) {
			p.rule(r)
		}
	case "found":
		p.found(rows(p, f.Data))
	case "client":
		p.open(rows(p, f.Data))
	case "early":
		for _, r := range rows(p, f.Data) {
			at, err := policy.ParseStage(r.key)
			p.check(err)
			v := p.judge.Early(context.Background(), at)
			p.rows = append(p.rows, r.key+": "+reply(v))
		}
	case "message":
		p.message = rows(p, f.Data)
		if !headerFollows {
			p.send(nil)
		}
	case "header":
		h := new(policy.Headers)
		if p.settings.Rules.AuthResult {
			h.Reset(mta)
		}
		for line := range strings.Lines(string(f.Data)) {
			addTo(h, []string{strings.TrimRight(line, "\n")})
		}
		p.send(h)
	case "want":
		p.want(rows(p, f.Data))
	default:
		p.Fatalf("section %q is none", f.Name)
	}
}

// rule changes a rule; before the first client.
func (p *play) rule(r row) {
	rules, err := &p.settings.Rules, error(nil)
	switch r.key {
	case "mode":
		rules.Mode, err = policy.ParseMode(r.value)
	case "enforce_at":
		rules.EnforceAt, err = policy.ParseStage(r.value)
	case "device":
		rules.Device, err = policy.ParseAction(r.value)
	case "access":
		rules.Access, err = policy.ParseAction(r.value)
	case "exempt authenticated":
		rules.Exempt.Authenticated, err = strconv.ParseBool(r.value)
	case "exempt recipients":
		rules.Exempt.Recipients = strings.Fields(r.value)
	case "exempt ptr":
		rules.Exempt.Names = strings.Fields(r.value)
	case "relays":
		rules.Exempt.Relays = prefixes(strings.Fields(r.value)...)
	case "own_hosts":
		rules.OwnHosts = strings.Fields(r.value)
	case "hostname":
		rules.Hostname = r.value
	case "contact":
		rules.Replies.Contact = r.value
	case "notify":
		rules.Notify = r.value
	case "authentication_results":
		rules.AuthResult, err = strconv.ParseBool(r.value)
	case "limit":
		p.limit(r.value)
	case "evidence":
		p.lookups(r.value)
	default:
		p.Fatalf("rule %q is none", r.key)
	}
	p.check(err)
}

// limit is "class,class key,key count/per burst".
func (p *play) limit(text string) {
	f := strings.Fields(text)
	if len(f) != 4 {
		p.Fatalf("limit %q", text)
	}
	l := decider.Limit{Name: "l"}
	for c := range strings.SplitSeq(f[0], ",") {
		class, err := policy.ParseClass(c)
		p.check(err)
		l.Classes = append(l.Classes, class)
	}
	for k := range strings.SplitSeq(f[1], ",") {
		l.Keys = append(l.Keys, decider.LimitKey(k))
	}
	count, per, _ := strings.Cut(f[2], "/")
	var err error
	l.Rate.Count, err = strconv.Atoi(count)
	p.check(err)
	l.Rate.Per, err = time.ParseDuration(per)
	p.check(err)
	l.Rate.Burst, err = strconv.Atoi(f[3])
	p.check(err)
	p.settings.Limits = []decider.Limit{l}
}

func (p *play) lookups(text string) {
	if text == "late" {
		p.evidence = &stub{block: true}
		return
	}
	iprev, err := policy.ParseIprev(text)
	p.check(err)
	p.evidence = &stub{found: policy.Found{Confirmed: iprev}}
}

// found is what look-ups find about all later clients; before the first one.
func (p *play) found(facts []row) {
	s := new(stub)
	p.evidence = s
	for _, r := range facts {
		words := strings.Fields(r.value)
		var err error
		switch r.key {
		case "stack":
			s.found.Stack, err = policy.ParseStack(r.value)
		case "network":
			s.found.Network.Name = strings.Join(words[1:], " ")
			s.found.Network.Kind, err = policy.ParseNetworkKind(words[0])
		case "list":
			var kind policy.ListKind
			kind, err = policy.ParseListKind(words[0])
			s.found.Listings = append(s.found.Listings, policy.Listing{Zone: words[1], Kind: kind, Weight: policy.ListWeight(kind, 5, "")})
		case "p0f":
			s.found.P0f = policy.P0f{Known: true, OS: words[0], Link: strings.Join(words[1:], " ")}
		case "banner":
			s.found.Banner = policy.Banner{Vendor: words[1], Place: words[2], Text: strings.Join(words[3:], " ")}
			s.found.Banner.Kind, err = device.ParseKind(words[0])
		case "confirmed":
			s.found.Confirmed, err = policy.ParseIprev(r.value)
		case "sending":
			s.found.Sending, err = policy.ParseIprev(r.value)
		case "spf":
			s.found.SPF, err = policy.ParseSPF(r.value)
		case "iprev":
			s.iprev, err = policy.ParseIprev(words[0])
			if len(words) > 1 {
				s.ptr = policy.Seen(words[1])
			}
		default:
			p.Fatalf("%q is never found", r.key)
		}
		p.check(err)
	}
}

// open ends the connection before and begins one.
func (p *play) open(facts []row) {
	if p.world == nil {
		p.world = newWorld(p.T, p.settings, p.evidence)
	}
	p.sessions++
	c := policy.Client{At: began, MTA: mta, CanHold: true, Session: "s" + strconv.Itoa(p.sessions), Server: netip.MustParseAddrPort("192.0.2.25:25")}
	greeting, repeat := policy.Greeting{}, 1
	var err error
	for _, r := range facts {
		switch r.key {
		case "after":
			var d time.Duration
			d, err = time.ParseDuration(r.value)
			c.At = began.Add(d)
		case "addr":
			c.Addr, err = netip.ParseAddr(r.value)
		case "ptr":
			c.Name = policy.Seen(r.value)
		case "iprev":
			c.Iprev, err = policy.ParseIprev(r.value)
		case "daemon":
			c.Daemon = r.value
		case "port":
			var port uint64
			port, err = strconv.ParseUint(r.value, 10, 16)
			c.Server = netip.AddrPortFrom(c.Server.Addr(), uint16(port))
		case "can_hold":
			c.CanHold, err = strconv.ParseBool(r.value)
		case "unix":
			c.Unix, err = strconv.ParseBool(r.value)
		case "helo":
			greeting.Name = policy.Seen(strings.Trim(r.value, `"`))
		case "repeat":
			repeat, err = strconv.Atoi(r.value)
		default:
			p.Fatalf("fact %q is none", r.key)
		}
		p.check(err)
	}
	for range repeat {
		p.judge = p.world.Open(c)
	}
	if greeting.Name.Known() {
		p.judge.Greeting(greeting)
	}
}

// send plays one message. Without an accepted recipient there is no end of
// message.
func (p *play) send(h *policy.Headers) {
	var e policy.Envelope
	var rcpts []string
	end, early := policy.EndEOM, false
	for _, r := range p.message {
		switch r.key {
		case "from":
			e.From = policy.Seen(strings.Trim(r.value, "<>"))
		case "auth":
			e.AuthUser, e.AuthType = r.value, "PLAIN"
		case "rcpts":
			rcpts = strings.Fields(r.value)
		case "end":
			if r.value == "abort" {
				end = policy.EndAbort
			}
		case "early":
			early = true
		case "panic":
			p.judge.Fail("panic")
		default:
			p.Fatalf("message: %q is none", r.key)
		}
	}
	p.judge.Sender(e)
	if early {
		v := p.judge.Early(context.Background(), policy.StageMail)
		p.rows = append(p.rows, "mail: "+reply(v))
	}
	accepted := 0
	for _, rcpt := range rcpts {
		v := p.judge.Recipient(context.Background(), rcpt)
		if !v.Refuses() {
			accepted++
		}
		p.rows = append(p.rows, "rcpt "+rcpt+": "+reply(v))
	}
	switch {
	case accepted == 0 || end == policy.EndAbort:
		p.judge.End(policy.EndAbort)
	default:
		v := p.judge.Message(context.Background(), "4F2A1", h)
		p.atEnd(v)
		p.judge.End(policy.EndEOM)
	}
}

func (p *play) atEnd(v policy.Verdict) {
	p.rows = append(p.rows, "eom: "+reply(v))
	for _, r := range []row{
		{"header", strings.ReplaceAll(strings.ReplaceAll(v.Mark, ",\n ", ","), "\n", "")},
		{"auth", strings.ReplaceAll(v.Auth, "\n", "")}, {"hold", v.Hold},
	} {
		if r.value != "" {
			p.rows = append(p.rows, r.key+": "+r.value)
		}
	}
	if v.KeepMark > 0 {
		p.rows = append(p.rows, "kept: "+strconv.Itoa(v.KeepMark))
	}
}

func reply(v policy.Verdict) string {
	if v.Refuses() {
		return v.Reply
	}
	return "250"
}

// answers are what happened since they were asked for last.
func (p *play) answers() []string {
	got := p.rows
	p.rows = nil
	return got
}

// want compares answers, header and lines in their order; each expected value is
// a regular expression that must match from its beginning.
func (p *play) want(want []row) {
	p.Helper()
	got, lines := p.answers(), p.world.taken()
	for _, r := range want {
		switch r.key {
		case "line":
			if len(lines) == 0 {
				p.Errorf("no line %s", r.value)
				continue
			}
			p.line(&lines[0], r.value)
			lines = lines[1:]
		case "log":
			if !regexp.MustCompile(r.value).MatchString(p.world.log.String()) {
				p.Errorf("log %q, want %q", p.world.log.String(), r.value)
			}
		case "count":
			m := &p.world.meter
			if got := fmt.Sprint("failopen ", m.failOpen, " bystander ", m.bystander, " suspended ", m.suspended); !strings.Contains(got, r.value) {
				p.Errorf("counted %s, want %s", got, r.value)
			}
		default:
			expr := "^" + regexp.QuoteMeta(r.key) + ": " + r.value
			if len(got) == 0 || !regexp.MustCompile(expr).MatchString(got[0]) {
				p.Errorf("want %s: %s\n got %s", r.key, r.value, strings.Join(got, "\n     "))
			}
			got = got[min(1, len(got)):]
		}
	}
	for _, g := range got {
		p.Errorf("nobody wanted %s", g)
	}
	for i := range lines {
		p.Errorf("nobody wanted the line %+v", lines[i])
	}
}

// line compares words key=value with a decision's JSON. Signals are "name,name";
// confidence is a lower bound.
func (p *play) line(d *policy.Decision, want string) {
	p.Helper()
	text, err := json.Marshal(d)
	p.check(err)
	var got map[string]any
	p.check(json.Unmarshal(text, &got))
	var names []string
	for _, s := range d.Signals {
		names = append(names, s.Name)
	}
	got["signals"] = strings.Join(names, ",")
	for word := range strings.FieldsSeq(want) {
		key, value, _ := strings.Cut(word, "=")
		if key == "confidence" {
			if least, err := strconv.ParseFloat(value, 64); err != nil || d.Confidence < least {
				p.Errorf("confidence %v, want at least %s", d.Confidence, value)
			}
			continue
		}
		g, known := got[key]
		if !known && value == "-" {
			continue
		}
		if fmt.Sprint(g) != value {
			p.Errorf("line %s: %s is %v, want %s; signals %s", d.ID, key, g, value, got["signals"])
		}
	}
}

func (p *play) check(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}
