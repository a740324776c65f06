package policy

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
)

// The words that random facts are made of.
var (
	someNames = []string{"", linePTR, hostPTR, "h203-0-113-7.isp.example", "203-0-113-7.static.isp.example",
		"ec2-203-0-113-7.compute-1.amazonaws.com", "diskstation.example.org", "berlin.example.org", "localhost",
		"\x00\xff", strings.Repeat("a.", 127)}
	someGreetings = []string{"-", "", "DiskStation", "speedtouch.lan", "203.0.113.7", "[203.0.113.7]", "[192.168.1.2]", linePTR,
		"cpe-203-0-113-7", "mail.isp.example", "user-pc", "pc.lan", "localhost", "(none)", "a..b", "mx.example.net", "192.0.2.25",
		hostPTR, "mail.example.org", "raspberrypi.example.org", "\r\nx: y", strings.Repeat("x", 300)}
	someHeaders = []string{"Received: from a by b", "Date: Sun, 22 Nov 2026 20:00:00 +0000", "Date: Thu, 1 Jan 1970 00:00:01 +0000",
		"From: a@example.org", "Message-ID: <1@example.org>", "Message-ID: <1@DiskStation>", "Message-ID: <1@mx.example.net>",
		"X-Mailer: Canon MFP", "X-IoT-Spam: No", "Subject: x"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func randomObserved(r *rand.Rand) observed {
	o := observed{iprev: Iprev(r.IntN(5)), ptr: pick(r, someNames), helo: pick(r, someGreetings)}
	if r.IntN(4) == 0 {
		o.ip = "2001:db8::7"
	}
	for range r.IntN(6) {
		o.headers = append(o.headers, pick(r, someHeaders))
	}
	return o
}

// randomFound is what look-ups may have found, each part unknown now and then.
func randomFound(r *rand.Rand) (f Found) {
	maybe := func() bool { return r.IntN(2) == 0 }
	if maybe() {
		f.Stack = Stack{Known: true, Whole: maybe(), Scale: int8(r.IntN(16) - 1), Timestamps: maybe(), SACK: maybe(), V6: maybe(),
			MSS: pick(r, []uint16{0, 1432, 1452, 1460, 536})}
	}
	f.Network = Network{ASN: 64500, Name: "\x1b[2J", Kind: NetworkKind(r.IntN(6))}
	for range r.IntN(4) {
		kind := ListKind(r.IntN(int(numListKinds)))
		f.Listings = append(f.Listings, Listing{Zone: "list.example", Kind: kind, Weight: ListWeight(kind, r.Float64()*20, "")})
	}
	if maybe() {
		f.P0f = P0f{Known: true, OS: pick(r, []string{"", "Linux", "Windows", "Nintendo"}), Link: pick(r, []string{"", "DSL"}), NAT: maybe()}
	}
	if maybe() {
		f.Banner = Banner{Kind: device.Kind(r.IntN(5)), Place: "http", Text: "\r\nx"}
	}
	f.Confirmed, f.Sending, f.SPF = Iprev(r.IntN(5)), Iprev(r.IntN(5)), SPF(r.IntN(9))
	return f
}

func (j *Judgement) suspicion() float64 { return j.P[ClassAccess] + j.P[ClassDevice] }

// TestPropertyWorseHeaders: a message that lacks one more field is never less
// suspect, while no cap is reached.
func TestPropertyWorseHeaders(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	full := []string{"Received: from a by b", "Date: Sun, 22 Nov 2026 20:00:00 +0000", "From: a@example.org", "Message-ID: <1@example.org>"}
	for range 20000 {
		o := randomObserved(r)
		o.headers = append([]string{"Subject: x"}, full...)
		r.Shuffle(len(o.headers), func(i, k int) { o.headers[i], o.headers[k] = o.headers[k], o.headers[i] })
		before := o.judge().suspicion()
		for len(o.headers) > 0 {
			o.headers = o.headers[1:]
			if len(o.headers) == 0 {
				o.headers = []string{"Subject: y"}
			}
			j := o.judge()
			after := j.suspicion()
			if after < before-1e-9 {
				t.Fatalf("%+v: %.6f after %.6f", o, after, before)
			}
			if before = after; o.headers[0] == "Subject: y" {
				break
			}
		}
	}
}

// TestPropertyBadEvidence: a row that weighs more for lines and devices than for
// anybody else never lowers their share, whatever was found before.
func TestPropertyBadEvidence(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	signals := make(map[string]int)
	for i := range Signals {
		signals[Signals[i].Name] = i
	}
	for range 50000 {
		var j Judgement
		found := map[string]bool{} // a signal appends one finding at most
		add := func(w *Weight) {
			if found[w.Signal] {
				return
			}
			found[w.Signal] = true
			j.Findings.rows, j.Findings.at = &rows, signals[w.Signal]
			j.Findings.Add(w.Status, "", "")
		}
		for range r.IntN(6) {
			add(&Weights[r.IntN(len(Weights))])
		}
		before := j.sum()
		p := posterior(&testPrior, &before)
		w := &Weights[r.IntN(len(Weights))]
		d := &w.Decibans
		if least := min(d[ClassAccess], d[ClassDevice]); least < max(d[ClassHosting], d[ClassBusiness], 0) {
			continue
		}
		add(w)
		after := j.sum()
		q := posterior(&testPrior, &after)
		if q[ClassAccess]+q[ClassDevice] < p[ClassAccess]+p[ClassDevice]-1e-9 {
			t.Fatalf("%s after %s: %.6f is less than %.6f", w.Signal, j.found(), q[ClassAccess]+q[ClassDevice], p[ClassAccess]+p[ClassDevice])
		}
	}
}

// strict are rules that refuse whatever they may.
func strict() *Rules {
	return &Rules{Mode: ModeEnforce, Device: ActionReject, Access: ActionReject, Prior: testPrior,
		Thresholds: Thresholds{Device: 0.5, Access: 0.5}}
}

// checkRefusal holds for every judgement.
func checkRefusal(t *testing.T, o observed, f *Facts, j *Judgement) {
	t.Helper()
	r := strict()
	action, _ := r.Conclude(j)
	if action != ActionReject {
		return
	}
	var line, client bool
	for i := range j.Findings.List() {
		finding := &j.Findings.list[i]
		w := finding.Weight
		if w == nil || !w.Measured || max(w.Decibans[ClassAccess], w.Decibans[ClassDevice]) <= 0 {
			continue
		}
		line = line || finding.Family == FamilyLine
		client = client || finding.Family == FamilyClient
	}
	switch {
	case !line || !client:
		t.Fatalf("%+v is refused by %s", o, j.found())
	case j.Independent && f.Confirmed != IprevFail && f.Confirmed != IprevPermError:
		t.Fatalf("%+v is refused with a name of its own", o)
	case f.Sending == IprevPass || f.Sending == IprevTempError:
		t.Fatalf("%+v is refused though the sender's domain may name it", o)
	case j.Flag == FlagNo || j.Class == ClassUnknown:
		t.Fatalf("%+v is refused as %v %v", o, j.Flag, j.Class)
	}
}

// TestPropertyRefusal: whatever the facts, no refusal without line and client.
func TestPropertyRefusal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	refused := 0
	for range 50000 {
		o := randomObserved(r)
		f, j := o.facts(), new(Judgement)
		f.Found = randomFound(r)
		f.Past = Past{Sessions: r.IntN(50), Days: r.IntN(9), Suspect: r.IntN(2), Device: device.Kind(r.IntN(4)), Shown: f.Client.At}
		f.NamesSuspended = r.IntN(4) == 0
		j.Judge(f, StageEOM, &testPrior, strict().Thresholds)
		checkRefusal(t, o, f, j)
		if n := len(j.Findings.List()); n >= maxFindings-8 {
			t.Fatalf("%d findings: there is little room", n)
		}
		if a, _ := strict().Conclude(j); a == ActionReject {
			refused++
		}
		sum := 0.0
		for c := ClassMailserver; c < numClasses; c++ {
			sum += j.P[c]
		}
		if sum < 1-1e-9 || sum > 1+1e-9 || j.Confidence < 0 || j.Confidence > 1 {
			t.Fatalf("%+v: p %v", o, j.P)
		}
	}
	if refused == 0 {
		t.Error("no facts were bad enough for a refusal: the test shows nothing")
	}
}

func FuzzFacts(f *testing.F) {
	for _, n := range someNames {
		for _, g := range someGreetings {
			f.Add(n, g, byte(1), "Message-ID: <1@x>", "203.0.113.7")
		}
	}
	f.Fuzz(func(t *testing.T, ptr, helo string, iprev byte, field, addr string) {
		if _, err := netip.ParseAddr(addr); err != nil {
			addr = ""
		}
		o := observed{ip: addr, iprev: Iprev(iprev % 5), ptr: ptr, helo: helo, headers: []string{field}}
		facts, j := o.facts(), new(Judgement)
		j.Judge(facts, StageEOM, &testPrior, strict().Thresholds)
		checkRefusal(t, o, facts, j)
		checkMark(t, j.Mark(ActionTag, helo))
		checkMark(t, ExemptMark(ptr, helo))
		for _, v := range []string{AuthResult(helo, &facts.Client)} {
			if strings.ContainsAny(strings.ReplaceAll(v, ";\n ", ""), "\r\n\x00") {
				t.Errorf("Authentication-Results: %q", v)
			}
		}
	})
}

// checkMark holds for every header value: lines below 78 columns, the name of the
// field included, and nothing but words of the contract's characters.
func checkMark(t *testing.T, value string) {
	t.Helper()
	if !strings.HasPrefix(value, "Yes,") && !strings.HasPrefix(value, "Suspect,") && !strings.HasPrefix(value, "No,") {
		t.Errorf("%q", value)
	}
	for line := range strings.SplitSeq(HeaderName+": "+value, "\n") {
		if len(line) >= markWidth || strings.TrimSpace(line) == "" {
			t.Errorf("a line of %d columns: %q", len(line), line)
		}
		if !strings.HasPrefix(line, HeaderName) && line[0] != ' ' {
			t.Errorf("no fold: %q", line)
		}
	}
	_, words, _ := strings.Cut(value, ",")
	for word := range strings.FieldsSeq(words) {
		if strings.Contains(word, "=") {
			_, word, _ = strings.Cut(word, "=")
		}
		for i := range len(word) {
			if !markByte(word[i]) {
				t.Errorf("%q in %q", word[i], value)
			}
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add("mx.example.org", "authenticated", 0.97, byte(5), byte(2), byte(1))
	f.Add(strings.Repeat("a", 300)+"\r\nX: y", "a b=c", 1.0, byte(0), byte(9), byte(0))
	f.Add("\xff\x00 =", strings.Repeat("é", 200), -1.0, byte(200), byte(0), byte(3))
	f.Fuzz(func(t *testing.T, host, reason string, confidence float64, class, kind, flag byte) {
		j := &Judgement{Class: Class(class), Device: device.Kind(kind), Flag: Flag(flag % 3), Confidence: confidence}
		for i := range Signals {
			j.Findings.rows, j.Findings.at = &rows, i
			j.Findings.Add(StatusFail, "", host)
		}
		if class >= byte(numClasses) {
			j.Class = ClassUnknown
		}
		for _, v := range []string{j.Mark(Action(flag%6), host), ExemptMark(reason, host), FailOpenMark(host)} {
			checkMark(t, v)
			if strings.Contains(v, "confidence=1") {
				t.Errorf("certain: %q", v)
			}
			var h Headers
			h.Add([]byte(HeaderName), []byte(v))
			if host != "" && h.MarkOf([]string{strings.ToLower(host)}) != 1 && isASCII(host) {
				t.Errorf("%q is not known again in %q", host, v)
			}
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func FuzzHeaders(f *testing.F) {
	f.Add("X-IoT-Spam", "No, host=mx.example.org", "mx.example.org; iprev=pass")
	f.Add("authentication-results ", "mx.example.org (x) 1 ; (y) IPREV (z) / 1 = pass", "\"mx.example.org\"; a=\"(;\\\"\"; iprev=fail")
	f.Add("\x00", strings.Repeat("(", 1000), ";;;")
	f.Fuzz(func(t *testing.T, name, value, auth string) {
		var h Headers
		h.Reset("MX.example.org")
		h.Add([]byte(name), []byte(value))
		h.Add([]byte("X-IOT-SPAM"), []byte(value))
		h.Add([]byte("Authentication-Results"), []byte(auth))
		if h.Count != 3 || h.Marks() < 1 || h.Marks() > 2 {
			t.Errorf("%d fields, %d marks", h.Count, h.Marks())
		}
		if i := h.MarkOf([]string{"mx.example.org"}); i > h.Marks() {
			t.Errorf("index %d of %d", i, h.Marks())
		}
		last := 0
		for _, i := range h.ForeignAuth() {
			if i <= last || i > 2 {
				t.Errorf("indexes %v", h.ForeignAuth())
			}
			last = i
		}
		if len(h.Date.String()) > maxValue || len(h.MessageID.String()) > maxValue {
			t.Error("a value is kept whole")
		}
	})
}
