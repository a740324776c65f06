package policy_test

import (
	"context"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/device"
	"github.com/iot-milter/iot-milter/policy/state"
)

var background = context.Background()

// talk plays one message to one recipient and returns the answers.
func talk(d policy.Decider, c policy.Client, helo string, h *policy.Headers, rcpts ...string) (at []policy.Verdict, eom policy.Verdict) {
	return talkFrom(d, c, helo, "a@example.com", h, rcpts...)
}

func talkFrom(d policy.Decider, c policy.Client, helo, from string, h *policy.Headers, rcpts ...string) (at []policy.Verdict, eom policy.Verdict) {
	k := d.Open(c)
	k.Greeting(policy.Greeting{Name: policy.Seen(helo)})
	k.Sender(sender(from))
	accepted := false
	for _, r := range rcpts {
		v := k.Recipient(background, r)
		at, accepted = append(at, v), accepted || !v.Refuses()
	}
	if !accepted {
		k.End(policy.EndAbort)
		return at, eom
	}
	eom = k.Message(background, "4F2A1", h)
	k.End(policy.EndEOM)
	return at, eom
}

func TestSafety01NeedsBothFamilies(t *testing.T) {
	r := &enforcing().Rules
	for mask := range 8 {
		j := &policy.Judgement{Flag: policy.FlagYes, Class: policy.ClassDevice}
		j.Families[policy.FamilyLine], j.Families[policy.FamilyClient] = mask&1 != 0, mask&2 != 0
		j.Families[policy.FamilyHearsay] = mask&4 != 0
		got, reason := r.Conclude(j)
		if want := mask&3 == 3; (got == policy.ActionReject) != want {
			t.Errorf("families %v: %v %s", j.Families, got, reason)
		}
	}
}

func TestSafety03Veto(t *testing.T) {
	r := &enforcing().Rules
	for _, tt := range []struct {
		confirmed policy.Iprev
		refused   bool
		pardoned  bool
	}{
		{policy.IprevUnknown, false, true}, {policy.IprevTempError, false, false}, {policy.IprevPass, false, false},
		{policy.IprevFail, true, false}, {policy.IprevPermError, true, false},
	} {
		j := &policy.Judgement{Flag: policy.FlagYes, Independent: true, Confirmed: tt.confirmed}
		j.Families[policy.FamilyLine], j.Families[policy.FamilyClient] = true, true
		if got, _ := r.Conclude(j); (got == policy.ActionReject) != tt.refused || r.Pardoned(j) != tt.pardoned {
			t.Errorf("confirmed %v: %v, pardoned %v", tt.confirmed, got, r.Pardoned(j))
		}
	}
}

// TestSafety03LateWaitIsBounded: the look-up that could take the pardon away is
// waited for once, and within the deadline.
func TestSafety03LateWaitIsBounded(t *testing.T) {
	s := enforcing()
	s.Rules.Access, s.Deadline = policy.ActionReject, 30*time.Millisecond
	late := &stub{block: true}
	start := time.Now()
	talk(newWorld(t, s, late), client(nil), "DiskStation.example.org", plain(), "u@example.test")
	if gone := time.Since(start); gone > time.Second || late.awaited == 0 {
		t.Errorf("%v, awaited %d times", gone, late.awaited)
	}
}

func TestSafety08LimitAnswers451Only(t *testing.T) {
	s := enforcing()
	s.Limits[0].Rate = state.Rate{Count: 1, Per: time.Hour, Burst: 1}
	w := newWorld(t, s, nil)
	for i := range 20 {
		rcpts, eom := talk(w, client(nil), "user-pc", plain(), "u@example.test")
		for _, v := range append(rcpts, eom) {
			if v.Refuses() && !strings.HasPrefix(v.Reply, "451 4.7.1 ") {
				t.Errorf("message %d: %q", i, v.Reply)
			}
		}
		if refused := rcpts[0].Refuses(); refused != (i > 0) {
			t.Errorf("message %d: refused %v", i, refused)
		}
	}
	if w.meter.bystander != 0 {
		t.Errorf("%d suspects are counted as bystanders", w.meter.bystander)
	}
}

// TestSafety08PrefixKeys: a /24 and a /64 count as one, a /48 does not.
func TestSafety08PrefixKeys(t *testing.T) {
	for _, tt := range []struct {
		a, b  string
		share bool
	}{
		{"203.0.113.7", "203.0.113.200", true}, {"203.0.113.7", "203.0.114.7", false},
		{"2001:db8:1:2::7", "2001:db8:1:2:ffff::9", true}, {"2001:db8:1:2::7", "2001:db8:1:3::7", false},
	} {
		s := enforcing()
		s.Limits[0].Rate = state.Rate{Count: 1, Per: time.Hour, Burst: 1}
		w := newWorld(t, s, nil)
		var last []policy.Verdict
		for _, a := range []string{tt.a, tt.b} {
			last, _ = talk(w, client(func(c *policy.Client) { c.Addr = netip.MustParseAddr(a) }), "user-pc", plain(), "u@example.test")
		}
		if last[0].Refuses() != tt.share {
			t.Errorf("%s and %s: refused %v", tt.a, tt.b, last[0].Refuses())
		}
	}
}

// TestSafety08SharedBucketsSpareOthers: with thresholds so low that a mail server
// is suspect, a bucket that others fill does not touch it; one of its own does,
// and that is counted.
func TestSafety08SharedBucketsSpareOthers(t *testing.T) {
	for key, want := range map[decider.LimitKey]bool{decider.KeyPrefix: false, decider.KeyAddress: true} {
		s := enforcing()
		s.Rules.Thresholds.Access = 0.001
		s.Limits[0].Classes = []policy.Class{policy.ClassMailserver}
		s.Limits[0].Keys = []decider.LimitKey{key}
		s.Limits[0].Rate = state.Rate{Count: 1, Per: time.Hour, Burst: 1}
		w := newWorld(t, s, nil)
		limited := false
		for range 3 {
			rcpts, _ := talk(w, client(server), serverName, plain(), "u@example.test")
			limited = limited || rcpts[0].Refuses()
		}
		if limited != want || (w.meter.bystander > 0) != want {
			t.Errorf("%s: limited %v, %d bystanders", key, limited, w.meter.bystander)
		}
	}
}

// TestSafety08ConcurrentMessagesShareABucket: each token is given once.
func TestSafety08ConcurrentMessagesShareABucket(t *testing.T) {
	s := enforcing()
	s.Rules.EnforceAt = policy.StageEOM
	w := newWorld(t, s, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 64 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, v := talk(w, client(nil), "user-pc", plain(), "u@example.test"); !v.Refuses() {
				mu.Lock()
				passed++
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	if passed != 5 {
		t.Errorf("%d messages of a burst of 5 passed", passed)
	}
	if n := len(w.taken()); n != 64 {
		t.Errorf("%d lines", n)
	}
}

// TestSafety16FullTable: deferral without room lets the message pass, counted.
func TestSafety16FullTable(t *testing.T) {
	s := enforcing()
	s.Rules.Device = policy.ActionDefer
	w := newWorldOf(t, s, nil, 3)
	for i := range 6 {
		c := client(func(c *policy.Client) { c.Addr = netip.AddrFrom4([4]byte{203, 0, byte(i), 7}) })
		rcpts, eom := talk(w, c, "DiskStation", plain(), "u@example.test")
		if i < 3 && !rcpts[0].Refuses() || i >= 3 && !strings.Contains(eom.Mark, "reason=fail-open") {
			t.Errorf("%d: %+v %+v", i, rcpts, eom)
		}
	}
	if w.meter.failOpen["table"] != 3 || strings.Count(w.log.String(), "passed unjudged") != 1 {
		t.Errorf("counted %v; log %s", w.meter.failOpen, &w.log)
	}
}

// TestSafety16Deadline: evidence that never comes costs the deadline and no more.
func TestSafety16Deadline(t *testing.T) {
	s := enforcing()
	w := newWorld(t, s, &stub{block: true})
	start := time.Now()
	rcpts, eom := talk(w, client(nil), "DiskStation", plain(), "u@example.test", "v@example.test")
	if gone := time.Since(start); gone < s.Deadline || gone > s.Deadline+time.Second {
		t.Errorf("took %v", gone)
	}
	if rcpts[0].Refuses() || !rcpts[0].FailOpen || !eom.FailOpen || !strings.Contains(eom.Mark, "class=unknown reason=fail-open host="+mta) {
		t.Errorf("%+v %+v", rcpts, eom)
	}
	if w.meter.failOpen["deadline"] != 1 {
		t.Errorf("counted %v", w.meter.failOpen)
	}
}

// TestSafety16Fail: wherever own trouble strikes, there is one line for the
// message, the recipient that was asked about is counted, and later messages pass.
func TestSafety16Fail(t *testing.T) {
	for _, at := range []string{"connect", "mail", "rcpt", "end"} {
		w := newWorld(t, enforcing(), panics{at == "rcpt"})
		k := w.Open(client(nil))
		fail := func(stage string) {
			if at == stage {
				k.Fail("panic")
				k.Fail("panic") // told twice, counted once
			}
		}
		fail("connect")
		k.Greeting(helo("DiskStation"))
		k.Sender(sender("a@example.com"))
		fail("mail")
		want := 1
		if at == "end" {
			want = 0 // refused: nothing is wrong yet
		}
		func() {
			defer func() {
				if recover() != nil {
					k.Fail("panic")
				}
			}()
			k.Recipient(background, "u@example.test")
		}()
		fail("end")
		v := k.Message(background, "4F2A1", plain())
		k.End(policy.EndEOM)
		lines := w.taken()
		d := lines[len(lines)-1]
		if !v.FailOpen || v.Refuses() || d.Reason != policy.ReasonFailOpen || d.Rcpts != want || d.Class != "unknown" || d.End != "eom" {
			t.Errorf("at %s: %+v\n%+v", at, v, d)
		}
		if w.meter.failOpen["panic"] != 1 {
			t.Errorf("at %s: counted %v", at, w.meter.failOpen)
		}
		k.Sender(sender("b@example.com"))
		if r := k.Recipient(background, "u@example.test"); r.Refuses() {
			t.Errorf("at %s: the next message is refused", at)
		}
		k.End(policy.EndAbort)
		if d := w.taken(); len(d) != 1 || d[0].Reason != policy.ReasonFailOpen || d[0].Rcpts != 1 {
			t.Errorf("at %s: %+v", at, d)
		}
	}
}

// panics is evidence that panics where it is waited for.
type panics struct{ on bool }

func (p panics) Start(policy.Client) policy.Lookups    { return p }
func (panics) Greeting(policy.Greeting)                {}
func (panics) Sender(policy.Envelope)                  {}
func (panics) Judged(*policy.Facts, *policy.Judgement) {}
func (panics) Close()                                  {}

func (p panics) Await(ctx context.Context, _ *policy.Facts) error {
	if p.on && ctx.Err() == nil {
		panic("evidence")
	}
	if p.on {
		return ctx.Err() // it is under way
	}
	return nil
}

// TestSafety16NothingOutOfOrder: calls that no MTA makes let mail pass.
func TestSafety16NothingOutOfOrder(t *testing.T) {
	w := newWorld(t, enforcing(), nil)
	k := w.Open(client(nil))
	k.Greeting(helo("DiskStation"))
	if v := k.Recipient(background, "u@example.test"); v.Refuses() {
		t.Errorf("recipient without a sender: %+v", v)
	}
	if v := k.Message(background, "", plain()); v.Refuses() {
		t.Errorf("message without a sender: %+v", v)
	}
	k.End(policy.EndEOM)
	k.End(policy.EndLost)
	if lines := w.taken(); len(lines) != 0 {
		t.Errorf("%+v", lines)
	}
}

func TestSafety17TagByDefault(t *testing.T) {
	w := newWorld(t, defaults(), nil)
	if wishes := w.Wishes(); wishes.Earliest != policy.StageRcpt || wishes.Quarantine || !wishes.Mark {
		t.Errorf("%+v", wishes)
	}
	for _, name := range []string{"DiskStation", "user-pc", "speedtouch.lan"} {
		for range 20 {
			rcpts, eom := talk(w, client(nil), name, header("Subject: x"), "u@example.test", "postmaster")
			for _, v := range append(rcpts, eom) {
				if v.Action > policy.ActionTag || v.Reply != "" {
					t.Fatalf("%s: %+v", name, v)
				}
			}
		}
	}
}

// TestSafety20Reply: nothing that a client says is in a reply, and no text of the
// admin's makes an ill-formed one.
func TestSafety20Reply(t *testing.T) {
	r := enforcing().Rules
	for _, tt := range []struct{ text, contact, want string }{
		{"550 5.7.1 No [id={id}] {contact}", "call +1", "550 5.7.1 No [id=s1] call +1"},
		{"550 5.7.1 No {contact}", "", "550 5.7.1 No"},
		{"550 5.7.1 No {contact}", "{id}", "550 5.7.1 No {id}"},
		{"550 5.7.1 a\r\n250 b\x00\xff", "", "550 5.7.1 a  250 b"},
		{"451 4.7.1 wrong class", "", "550 5.7.1 Not accepted [id=s1]"},
		{"", "", "550 5.7.1 Not accepted [id=s1]"},
		{"550 5.7.1 " + strings.Repeat("x", 2000), "", "550 5.7.1 " + strings.Repeat("x", 970)},
	} {
		r.Replies = policy.Replies{Reject: tt.text, Contact: tt.contact}
		if got := r.Reply(policy.ActionReject, "s1"); got != tt.want {
			t.Errorf("%q: %q", tt.text, got)
		}
		for _, a := range []policy.Action{policy.ActionDefer, policy.ActionLimit} {
			if got := r.Reply(a, "s1"); !strings.HasPrefix(got, "451 ") {
				t.Errorf("%v: %q", a, got)
			}
		}
	}
}

// TestSafety21NoDeviceInReplies: replies never name the device.
func TestSafety21NoDeviceInReplies(t *testing.T) {
	w := newWorld(t, enforcing(), nil)
	rcpts, _ := talk(w, client(nil), "DiskStation", plain(), "u@example.test")
	reply := strings.ToLower(rcpts[0].Reply)
	for _, word := range append(device.Kinds[1:], "synology", "diskstation", "device") {
		if strings.Contains(reply, " "+word) {
			t.Errorf("%q names %q", reply, word)
		}
	}
}

// TestRace runs many connections at once over one memory while settings change.
func TestRace(t *testing.T) {
	s := enforcing()
	s.Rules.Device = policy.ActionDefer
	w := newWorld(t, s, nil)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 40 {
				c := client(func(c *policy.Client) {
					c.Addr, c.MTA = netip.AddrFrom4([4]byte{203, 0, byte(g), byte(i)}), "mx"+strconv.Itoa(i%2)
				})
				talk(w, c, []string{"DiskStation", "user-pc", serverName}[i%3], plain(), "u@example.test", "postmaster")
				if i%10 == 0 {
					w.Swap(enforcing())
				}
				w.ClientHidden()
			}
		}()
	}
	wg.Wait()
}
