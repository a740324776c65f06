package conf

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// judge applies the rules that need more than one key, and collects warnings.
// A rule is silent about keys that are wrong by themselves: their values are
// not what the admin wrote.
func (d *decoder) judge(c *Config) []Warning {
	own := slices.Clone(d.problems)
	wrong := func(prefixes ...string) bool {
		return slices.ContainsFunc(own, func(p Problem) bool {
			return slices.ContainsFunc(prefixes, func(prefix string) bool { return under(p.Key, prefix) })
		})
	}
	for _, r := range rules {
		if !wrong(r.keys...) {
			r.check(d, c)
		}
	}
	var warnings []Warning
	for _, w := range d.advice(c) {
		warnings = append(warnings, Warning(w))
	}
	slices.SortStableFunc(warnings, func(a, b Warning) int { return byPosition(Problem(a), Problem(b)) })
	return warnings
}

// under tells whether key is prefix or lies below it.
func under(key, prefix string) bool {
	rest, ok := strings.CutPrefix(key, prefix)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// rules are the rules across keys, with the keys that they read.
var rules = []struct {
	keys  []string
	check func(*decoder, *Config)
}{
	{[]string{"listen"}, (*decoder).ruleListen},
	{[]string{"admin"}, (*decoder).ruleAdmin},
	{[]string{"enforce_at", "exempt.authenticated", "exempt.recipients"}, (*decoder).ruleEnforceAt},
	{[]string{"exempt.relays"}, (*decoder).ruleRelays},
	{[]string{"prior"}, (*decoder).rulePrior},
	{[]string{"limit"}, (*decoder).ruleLimits},
	{[]string{"class", "device", "limit", "campaign", "asn"}, (*decoder).ruleLimitMatches},
	{[]string{"class", "device", "campaign", "quarantine"}, (*decoder).ruleQuarantine},
	{[]string{"defer"}, (*decoder).ruleDefer},
	{[]string{"probe"}, (*decoder).ruleProbe},
	{[]string{"reply"}, (*decoder).ruleReply},
	{[]string{"limits", "dns"}, (*decoder).ruleTimes},
}

// place reports at the first of the keys that is in the file, under the name of
// the first.
func (d *decoder) place(err *valueError, keys ...string) {
	d.problems = append(d.problems, d.problemAt(err, keys...))
}

func (d *decoder) problemAt(err *valueError, keys ...string) Problem {
	p := Problem{File: d.file, Key: keys[0], What: err.what, Hint: err.hint}
	for _, k := range keys {
		if m, ok := d.at[k]; ok {
			p.Line, p.Col = lineCol(d.src, d.starts, m.value)
			break
		}
	}
	return p
}

func (d *decoder) ruleListen(c *Config) {
	if len(c.Listen) == 0 || len(c.Listen) > 16 {
		d.place(badf(listenHint, "has %d sockets, want 1 to 16", len(c.Listen)), "listen")
	}
	for i, l := range c.Listen {
		if slices.Contains(c.Listen[:i], l) {
			d.place(badf("remove one of them", "%q is there twice", l.String()), element("listen", i))
		}
	}
}

// ruleEnforceAt is safety rule 12: before MAIL nobody knows who logs in, before
// RCPT nobody knows for whom the mail is.
func (d *decoder) ruleEnforceAt(c *Config) {
	early := c.EnforceAt == policy.StageConnect || c.EnforceAt == policy.StageHelo
	if early && (c.Exempt.Authenticated || len(c.Exempt.Recipients) > 0) {
		d.place(badf(`"rcpt", or [exempt] authenticated = false and recipients = []`,
			"%q would refuse before exempt senders and recipients are known", c.EnforceAt.String()), "enforce_at")
	}
}

// ruleRelays guards safety rule 14: who is a relay may bring headers of our name.
func (d *decoder) ruleRelays(c *Config) {
	for i, p := range c.Exempt.Relays {
		if p.Bits() == 0 {
			d.place(badf("name the addresses of your own hosts", "%s lets anyone forge our header", p),
				element("exempt.relays", i))
		}
	}
}

func (d *decoder) rulePrior(c *Config) {
	p := c.Prior
	sum := p.Mailserver + p.Hosting + p.Business + p.Access + p.Device
	// The tolerance is for rounding by hand; a sum of floats needs a little more.
	if math.Abs(sum-1) > 0.01+1e-9 {
		d.place(badf("the five together must be 1, within 0.01", "the sum is %.3f", sum), "prior")
	}
}

func (d *decoder) ruleLimits(c *Config) {
	names := map[string]bool{}
	for i, l := range c.Limit {
		at := element("limit", i)
		if names[l.Name] {
			d.place(badf("each [[limit]] has a name of its own", "%q is there twice", l.Name), at+".name", at)
		}
		names[l.Name] = true
		if len(l.Class) == 0 {
			d.place(badf(`such as ["access", "device"]`, "has no class"), at+".class", at)
		}
		if len(l.Key) == 0 {
			d.place(badf(`such as ["prefix"]`, "has no key"), at+".key", at)
		}
		d.ruleBystanders(l, at)
	}
}

// ruleBystanders is safety rule 8: a bucket that others can fill must not touch
// those who did nothing.
func (d *decoder) ruleBystanders(l Limit, at string) {
	if slices.Contains(l.Key, KeyAddress) {
		return
	}
	for i, class := range l.Class {
		switch class {
		case policy.ClassMailserver, policy.ClassHosting, policy.ClassBusiness:
			d.place(badf(`add "address" to its key`, "%q would be limited for what others send", class.String()),
				element(at+".class", i), at)
		}
	}
}

// action is one place in the configuration that names an action.
type action struct {
	key     string
	action  policy.Action
	classes []policy.Class // whom it can befall
}

func actions(c *Config) []action {
	suspects := []policy.Class{policy.ClassAccess, policy.ClassDevice}
	out := []action{
		{"class.access.action", c.Class.Access.Action, suspects[:1]},
		{"class.device.action", c.Class.Device.Action, suspects[1:]},
		{"campaign.action", c.Campaign.Action, suspects},
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Device)) {
		out = append(out, action{"device." + kind.String() + ".action", c.Device[kind].Action, suspects[1:]})
	}
	return out
}

func (d *decoder) ruleLimitMatches(c *Config) {
	for _, a := range actions(c) {
		if a.action != policy.ActionLimit {
			continue
		}
		reachable := slices.ContainsFunc(a.classes, func(class policy.Class) bool {
			return slices.ContainsFunc(c.Limit, func(l Limit) bool { return l.matches(class, c) })
		})
		if !reachable {
			d.place(badf("add a [[limit]] of that class whose key is known, or choose another action",
				"no [[limit]] can match class %s", a.classes[0]), a.key, "limit[0]", "limit")
		}
	}
}

// matches tells whether the limit can ever count a client of the class: its key
// must be something that such a client has and the daemon can know.
func (l Limit) matches(class policy.Class, c *Config) bool {
	if !slices.Contains(l.Class, class) {
		return false
	}
	return !slices.ContainsFunc(l.Key, func(k LimitKey) bool {
		return k == KeyDevice && class != policy.ClassDevice ||
			k == KeyASN && c.ASN.Database == "" && !c.ASN.Cymru
	})
}

// ruleQuarantine is safety rule 15: quarantined mail is accepted mail, somebody
// must look after it.
func (d *decoder) ruleQuarantine(c *Config) {
	if c.Quarantine.Notify != "" {
		return
	}
	for _, a := range actions(c) {
		if a.action == policy.ActionQuarantine {
			d.place(badf("set [quarantine] notify to who releases the mail",
				"quarantine without anybody to look after it"), a.key)
		}
	}
}

func (d *decoder) ruleDefer(c *Config) {
	if c.Defer.Keep <= c.Defer.Delay {
		d.place(badf("keep must be longer than delay", "%s is over before the delay of %s is",
			formatDuration(c.Defer.Keep), formatDuration(c.Defer.Delay)), "defer.keep", "defer.delay")
	}
}

// ruleProbe is safety rule 18.
func (d *decoder) ruleProbe(c *Config) {
	src := c.Probe.Source
	if src.IsValid() && (src.IsUnspecified() || src.IsLoopback() || src.IsMulticast()) {
		d.place(badf("an address of this host that sends no mail", "%s is no address to connect from", src), "probe.source")
	}
	if !c.Probe.Enabled {
		return
	}
	if !src.IsValid() {
		d.place(badf("set it to an address of this host that sends no mail", "is needed by probe.enabled"),
			"probe.source", "probe.enabled")
	}
	if c.Probe.Contact == "" {
		d.place(badf("set it to a page or mail address for those who are probed", "is needed by probe.enabled"),
			"probe.contact", "probe.enabled")
	}
}

func (d *decoder) ruleReply(c *Config) {
	for _, r := range []struct{ key, text string }{{"reply.reject", c.Reply.Reject}, {"reply.limit", c.Reply.Limit}} {
		if n := expandedLength(r.text, c.Reply.Contact); n > maxReply {
			d.place(badf(fmt.Sprintf("at most %d, with {contact} and an {id} of %d", maxReply, idLength),
				"has %d characters", n), r.key, "reply.contact")
		}
	}
}

// ruleTimes: whoever waits for look-ups waits so long and no longer.
func (d *decoder) ruleTimes(c *Config) {
	if wait := min(c.Limits.Evidence, c.Limits.Stage); c.DNS.Timeout > wait {
		d.place(badf("an answer after limits.evidence and limits.stage comes too late", "%s is longer than %s, which is waited for it",
			formatDuration(c.DNS.Timeout), formatDuration(wait)), "dns.timeout", "limits.evidence", "limits.stage")
	}
}

// hostSize is what a remembered host takes, in bytes, with all that the collector of
// garbage leaves lying: measured with a million of them.
const hostSize = 302

// advice is what is allowed and yet seldom meant.
func (d *decoder) advice(c *Config) []Problem {
	var out []Problem
	warn := func(err *valueError, keys ...string) { out = append(out, d.problemAt(err, keys...)) }
	if c.EnforceAt == policy.StageMail && len(c.Exempt.Recipients) > 0 {
		warn(badf(`"rcpt" says the same`, "exempt.recipients hold every refusal back until rcpt"), "enforce_at")
	}
	if need := Size(c.Store.Hosts) * hostSize; need > c.Limits.Memory {
		warn(badf(strconv.Quote(need.String())+" or more", "is little for store.hosts = %d: the daemon would collect garbage all the time", c.Store.Hosts),
			"limits.memory", "store.hosts")
	}
	if !c.DNS.Enabled && (len(c.DNSList) > 0 || c.ASN.Cymru) {
		key := "asn.cymru"
		if len(c.DNSList) > 0 {
			key = "dnslist"
		}
		warn(badf("set dns.enabled = true, or remove it", "is asked over DNS, which is off"), key)
	}
	for i, p := range c.Exempt.Networks {
		if p.Bits() == 0 {
			warn(badf(`to judge without acting use mode = "observe"`, "%s exempts every client", p),
				element("exempt.networks", i))
		}
	}
	if len(c.Limit) == 0 {
		warn(badf("remove it to have the default back", "no limits at all"), "limit")
	}
	return append(out, d.adviceAdmin(c)...)
}

// ruleAdmin keeps "no password" the one way to say that TCP serves no page.
func (d *decoder) ruleAdmin(c *Config) {
	if c.Admin.ChangePassword != "" && c.Admin.Password == "" {
		d.place(badf("set admin.password too; the two may be the same",
			"opens nothing while admin.password is empty"), "admin.change_password")
	}
}

// adviceAdmin is about safety rule 19. An open address without a password is no
// error: it serves nothing but metrics.
func (d *decoder) adviceAdmin(c *Config) []Problem {
	host, _, err := net.SplitHostPort(c.Admin.Listen)
	addr, _ := netip.ParseAddr(host)
	if err != nil || host == "localhost" || addr.IsLoopback() {
		return nil
	}
	var out []Problem
	if c.Admin.Password != "" {
		out = append(out, d.problemAt(badf("listen on 127.0.0.1 behind a proxy with TLS",
			"%s takes the password in clear text from other hosts", c.Admin.Listen), "admin.listen"))
	}
	if slices.Equal(c.Admin.Hosts, Default().Admin.Hosts) {
		out = append(out, d.problemAt(badf("add the name that other hosts ask for to admin.hosts",
			"other hosts get 421: admin.hosts has only names of this one"), "admin.listen"))
	}
	return out
}
