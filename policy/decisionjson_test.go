package policy_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// texts are what attackers send.
var texts = []string{"", "DiskStation", "a b", `"quoted\"`, "<b>&amp;</b>", "new\nline\r\t\b\f", "\x00\x1b[31m\x7f", "é\u2028\u2029\ufeff",
	"bad \xff\xc3( utf8", "\xed\xa0\x80", "😀", strings.Repeat("x", 255)}

// random is a record of any shape.
func random(r *rand.Rand) *policy.Record {
	text := func() string { return texts[r.IntN(len(texts))] }
	known := func() policy.Text {
		if r.IntN(3) == 0 {
			return policy.Text{}
		}
		return policy.Seen(text())
	}
	addrs := []netip.Addr{{}, netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("::ffff:192.0.2.1")}
	f := &policy.Facts{Client: policy.Client{
		Session: text(), MTA: text(), Addr: addrs[r.IntN(len(addrs))], Name: known(), Iprev: policy.Iprev(r.IntN(5)),
	}, Greeting: policy.Greeting{Name: known()}, Envelope: policy.Envelope{From: known()}}
	if r.IntN(4) > 0 {
		f.Client.At = began.Add(time.Duration(r.Int64N(int64(time.Hour))))
	}
	rec := &policy.Record{
		ID: text(), Facts: f, QueueID: text(), Sender: text(), Rcpts: r.IntN(100), Stage: policy.StageEOM, Mode: policy.ModeTag,
		Verdict: policy.ActionReject, Action: policy.ActionTag, Exempt: text(), Reason: text(), Took: time.Duration(r.Int64N([]int64{1e3, 1e6, 1e9, 1e12}[r.IntN(4)])), End: policy.EndEOM,
		Addresses: policy.AddressForm(r.IntN(4)),
	}
	for range r.IntN(4) {
		rec.To = append(rec.To, text())
	}
	for range r.IntN(3) {
		u := policy.LimitUse{Name: text(), Recipients: r.IntN(2) == 0, Full: r.IntN(2) == 0, Left: 20 * (r.Float64() - 0.5)}
		if r.IntN(2) == 0 {
			u.Room = began.Add(time.Duration(r.Int64N(int64(time.Hour))))
		}
		if r.IntN(4) == 0 {
			u.Key = map[string]string{"prefix": text(), "helo": text()}
		}
		rec.Limits = append(rec.Limits, u)
	}
	if r.IntN(4) > 0 {
		f.ParseClient()
		f.ParseGreeting()
		f.Headers = plain()
		rec.Judgement = new(policy.Judgement)
		s := defaults()
		rec.Judgement.Judge(f, policy.StageEOM, &s.Rules.Prior, s.Rules.Thresholds)
		rec.Judgement.Vendor = text()
	}
	return rec
}

// TestAppendJSON: it is what encoding/json writes.
func TestAppendJSON(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		rec := random(r)
		want, err := json.Marshal(rec.Decision())
		if err != nil {
			t.Fatal(err)
		}
		if got := rec.AppendJSON([]byte("before ")); !bytes.Equal(got, append([]byte("before "), want...)) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func FuzzAppendJSON(f *testing.F) {
	for _, text := range texts {
		f.Add(text, 0.97, int64(time.Millisecond))
	}
	for _, number := range []float64{0, 1, -0.00004, 0.00005, 0.99995, 1.0 / 3, 1e-300, 99999999999, -12.25} {
		f.Add("", number, int64(number*1e9))
	}
	s := defaults()
	f.Fuzz(func(t *testing.T, text string, number float64, took int64) {
		if !(math.Abs(number) < 1e11) { // no such number, see TestAppendJSONStaysJSON
			t.Skip()
		}
		seen := policy.Seen(text)
		facts := &policy.Facts{Client: policy.Client{Session: text, MTA: text, Name: seen, Addr: netip.MustParseAddr("203.0.113.7"), Iprev: policy.IprevPass},
			Greeting: policy.Greeting{Name: seen}, Envelope: policy.Envelope{From: seen}}
		facts.ParseClient()
		facts.ParseGreeting()
		var j policy.Judgement
		j.Judge(facts, policy.StageRcpt, &s.Rules.Prior, s.Rules.Thresholds)
		j.Vendor, j.Confidence, j.P[policy.ClassDevice] = text, number, -number
		rec := &policy.Record{ID: text, Facts: facts, Judgement: &j, QueueID: text, Sender: text, To: []string{text}, Exempt: text, Reason: text,
			Limits: []policy.LimitUse{{Name: text, Key: map[string]string{"helo": text}}}, Took: time.Duration(took)}
		want, err := json.Marshal(rec.Decision())
		if got := rec.AppendJSON(nil); err != nil || !bytes.Equal(got, want) {
			t.Errorf("got  %s\nwant %s (%v)", got, want, err)
		}
	})
}

// TestAppendJSONStaysJSON where a number is none: encoding/json would have no line at all.
func TestAppendJSONStaysJSON(t *testing.T) {
	for _, number := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -1e300, 1e15} {
		rec := random(rand.New(rand.NewPCG(3, 4)))
		rec.Judgement = &policy.Judgement{Confidence: number, P: policy.PerClass{number, number, number, number, number, number}}
		var got policy.Decision
		if err := json.Unmarshal(rec.AppendJSON(nil), &got); err != nil || got.Confidence != 0 || got.P["device"] != 0 || got.ID == "" && rec.ID != "" {
			t.Errorf("%v: %v, %v", number, err, got)
		}
	}
}

// TestAppendJSONAllocates nothing.
func TestAppendJSONAllocates(t *testing.T) {
	rec := random(rand.New(rand.NewPCG(3, 4)))
	rec.Limits = []policy.LimitUse{{Name: "few", Full: true, Room: began}, {Name: "many", Left: 3}}
	b := make([]byte, 0, 8192)
	if n := testing.AllocsPerRun(100, func() { b = rec.AppendJSON(b[:0]) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	rec := random(rand.New(rand.NewPCG(3, 4)))
	out := make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		out = rec.AppendJSON(out[:0])
	}
}
