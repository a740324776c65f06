package policy

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
)

// The defaults of the configuration.
var (
	testPrior = PerClass{ClassMailserver: 0.60, ClassHosting: 0.05, ClassBusiness: 0.05, ClassAccess: 0.25, ClassDevice: 0.05}
	testLimit = Thresholds{Device: 0.90, Access: 0.95}
)

// observed is a client as a test writes it down: ip, iprev, ptr and helo, and
// headers of which none means that no message was seen. The helo "-" is none.
type observed struct {
	ip      string
	iprev   Iprev
	ptr     string
	helo    string
	headers []string
}

func (o observed) facts() *Facts {
	f := &Facts{Hosts: []string{"mx.example.net"}}
	f.Client.MTA = "mx.example.net"
	f.Client.Server = netip.MustParseAddrPort("192.0.2.25:25")
	f.Client.Addr = netip.MustParseAddr("203.0.113.7")
	if o.ip != "" {
		f.Client.Addr = netip.MustParseAddr(o.ip)
	}
	f.Client.Iprev = o.iprev
	if o.ptr != "" {
		f.Client.Name = Seen(o.ptr)
	}
	if o.helo != "-" {
		f.Greeting.Name = Seen(o.helo)
	}
	if o.headers != nil {
		f.Headers = new(Headers)
		for _, h := range o.headers {
			name, value, _ := strings.Cut(h, ":")
			f.Headers.Add([]byte(name), []byte(strings.TrimPrefix(value, " ")))
		}
	}
	f.ParseClient()
	f.ParseGreeting()
	return f
}

// judge runs all stages that the facts allow.
func (o observed) judge() *Judgement {
	j, f := new(Judgement), o.facts()
	stage := StageRcpt
	if f.Headers != nil {
		stage = StageEOM
	}
	j.Judge(f, stage, &testPrior, testLimit)
	return j
}

// found lists findings as "name:status", with "/line" or the like where the
// family is not the signal's own.
func (j *Judgement) found() string {
	var words []string
	for _, f := range j.Findings.List() {
		w := f.Signal.Name + ":" + f.Status.String()
		if f.Family != f.Signal.Family {
			w += "/" + f.Family.String()
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}

const (
	linePTR = "cpe-203-0-113-7.dyn.isp.example"
	hostPTR = "mx1.example.org"
)

func TestSignals(t *testing.T) {
	none, pass, fail, temp := IprevPermError, IprevPass, IprevFail, IprevTempError
	sane := []string{"Received: from a by b", "Date: Mon, 1 Jun 2026 10:00:00 +0000", "Message-ID: <1@example.org>", "From: a@example.org"}
	with := func(fields ...string) []string { return append(fields, sane...) }
	tests := []struct {
		observed
		want string
	}{
		// PTR.
		{observed{"", none, "", "-", nil}, "ptr-none:fail"},
		{observed{"", IprevUnknown, "", "-", nil}, ""},
		{observed{"", fail, hostPTR, "-", nil}, "ptr-unconfirmed:fail"},
		{observed{"", fail, linePTR, "-", nil}, "ptr-unconfirmed:fail ptr-unconfirmed-line:fail ptr-access:fail"},
		{observed{"", fail, "mail-203-0-113-7.example.org", "-", nil}, "ptr-unconfirmed:fail"},
		{observed{"", temp, linePTR, "-", nil}, "ptr-temperror:temperror"},
		{observed{"", pass, linePTR, "-", nil}, "ptr-access:fail"},
		{observed{"", pass, "h203-0-113-7.isp.example", "-", nil}, "ptr-address:fail"},
		{observed{"", pass, "203-0-113-7.static.isp.example", "-", nil}, "ptr-business:fail"},
		{observed{"", pass, "203-0-113-7.static.adsl.isp.example", "-", nil}, "ptr-business:fail"},
		{observed{"", pass, "ec2-203-0-113-7.compute-1.amazonaws.com", "-", nil}, "ptr-hosting:fail"},
		{observed{"", pass, hostPTR, "-", nil}, "ptr-server:pass"},
		{observed{"", pass, "out-203-0-113-7.mail.example.org", "-", nil}, "ptr-server:pass"},
		{observed{"", pass, "diskstation.example.org", "-", nil}, "ptr-device:fail"},
		{observed{"", pass, "cpe-00095b264f7d.isp.example", "-", nil}, "ptr-access:fail ptr-mac:neutral"},
		{observed{"2001:db8::211:32ff:fe12:3456", 0, "", "-", nil}, "ip-eui64:fail"},
		{observed{"2001:db8::200:5eff:fe12:3456", 0, "", "-", nil}, ""},
		{observed{"", pass, "berlin.example.org", "-", nil}, ""},

		// HELO.
		{observed{"", IprevUnknown, "", "DiskStation", nil}, "helo-device:fail"},
		{observed{"", IprevUnknown, "", "speedtouch.lan", nil}, "helo-device:fail"},
		{observed{"", IprevUnknown, "", "203.0.113.7", nil}, "helo-address:fail/line helo-bare:fail/line"},
		{observed{"", IprevUnknown, "", "192.168.1.2", nil}, "helo-address:fail helo-bare:fail"},
		{observed{"", IprevUnknown, "", "[203.0.113.7]", nil}, "helo-address:fail/line"},
		{observed{"", IprevUnknown, "", "[192.168.1.2]", nil}, "helo-address:fail"},
		{observed{"", pass, linePTR, linePTR, nil}, "ptr-access:fail helo-cpe:fail"},
		{observed{"", pass, linePTR, "cpe-203-0-113-7", nil}, "ptr-access:fail helo-single:fail/line"},
		{observed{"", pass, linePTR, "mail.isp.example", nil}, "ptr-access:fail"},
		{observed{"", IprevUnknown, "", "adsl-198-51-100-9.isp.example", nil}, "helo-cpe:fail"},
		{observed{"", IprevUnknown, "", "pc1", nil}, "helo-single:fail"},
		{observed{"", IprevUnknown, "", "pc1.lan", nil}, "helo-private:fail"},
		{observed{"", IprevUnknown, "", "localhost", nil}, "helo-localhost:fail"},
		{observed{"", IprevUnknown, "", "(none)", nil}, "helo-empty:fail"},
		{observed{"", IprevUnknown, "", "", nil}, "helo-empty:fail"},
		{observed{"", IprevUnknown, "", "a..b", nil}, "helo-broken:fail"},
		{observed{"", IprevUnknown, "", "MX.example.net.", nil}, "helo-own-name:fail"},
		{observed{"", IprevUnknown, "", "example.net", nil}, "helo-own-name:fail"},
		{observed{"", IprevUnknown, "", "192.0.2.25", nil}, "helo-own-name:fail"},
		{observed{"", IprevUnknown, "", "net.example.net", nil}, "helo-independent:pass"},
		{observed{"", none, "", "example.org", nil}, "ptr-none:fail helo-independent:pass helo-domain:fail"},
		{observed{"", pass, linePTR, "example.org", nil}, "ptr-access:fail helo-independent:pass helo-domain:fail"},
		{observed{"", pass, linePTR, "me.dyndns.org", nil}, "ptr-access:fail helo-independent:pass"},
		{observed{"", pass, linePTR, "pc1.isp.example", nil}, "ptr-access:fail helo-provider:fail"},
		{observed{"", pass, "berlin.example.org", "mail.example.com", nil}, "helo-independent:pass helo-unrelated:fail"},
		{observed{"", pass, "berlin.example.org", "localhost.localdomain", nil}, "helo-localhost:fail helo-localdomain:pass"},
		{observed{"", none, "", "localhost.localdomain", nil}, "ptr-none:fail helo-localhost:fail"},
		{observed{"", pass, hostPTR, hostPTR, nil}, "ptr-server:pass helo-ptr:pass helo-independent:pass"},
		{observed{"", pass, hostPTR, "example.org", nil}, "ptr-server:pass helo-ptr:pass helo-independent:pass"},
		{observed{"", fail, hostPTR, hostPTR, nil}, "ptr-unconfirmed:fail helo-independent:pass"},
		{observed{"", pass, linePTR, "mail.example.org", nil}, "ptr-access:fail helo-independent:pass"},
		{observed{"", pass, linePTR, "raspberrypi.example.org", nil}, "ptr-access:fail helo-device:fail helo-independent:pass"},

		// Message.
		{observed{"", IprevUnknown, "", "-", sane}, ""},
		{observed{"", IprevUnknown, "", "-", sane[1:]}, "msg-direct:fail"},
		{observed{"", IprevUnknown, "", "-", []string{sane[0], sane[2], sane[3]}}, "msg-no-date:fail"},
		{observed{"", IprevUnknown, "", "-", []string{sane[0], sane[1], sane[3]}}, "msg-no-id:fail"},
		{observed{"", IprevUnknown, "", "-", with("Message-Id: <1@MX.example.net>")}, "msg-no-id:fail"},
		{observed{"", IprevUnknown, "", "-", with("Message-ID: <1@localhost>")}, "msg-id-host:neutral"},
		{observed{"", IprevUnknown, "", "-", with("Message-ID: <1@pc.lan>")}, "msg-id-host:neutral"},
		{observed{"", IprevUnknown, "", "-", with("Message-ID: <1@DiskStation>")}, "msg-id-host:fail"},
		{observed{"", IprevUnknown, "", "-", with("Message-ID: no host")}, ""},
		{observed{"", IprevUnknown, "", "-", []string{sane[1], "Message-ID: <1@PC1>"}}, "msg-direct:fail msg-id-host:neutral msg-id-single:fail"},
		{observed{"", IprevUnknown, "", "-", []string{sane[1], "Message-ID: <1@DiskStation>"}}, "msg-direct:fail msg-id-host:fail"},
		{observed{"", IprevUnknown, "", "-", []string{sane[1], "Message-ID: <1@pc1.lan>"}}, "msg-direct:fail msg-id-host:neutral"},
		{observed{"", IprevUnknown, "", "-", with("Message-ID: <1@PC1>")}, "msg-id-host:neutral"},
		{observed{"", IprevUnknown, "", "-", with("Date: Thu, 01 Jan 1970 00:01:02 +0000")}, "msg-date-epoch:fail"},
		{observed{"", IprevUnknown, "", "-", with("Date: 1 Jan 2000 00:00:31 +0800")}, "msg-date-epoch:fail"},
		{observed{"", IprevUnknown, "", "-", with("Date: Sat, 11 Jan 2000 00:00:31 +0800")}, ""},
		{observed{"", IprevUnknown, "", "-", with("X-Mailer: Canon MFP")}, "msg-mailer-device:fail"},
		{observed{"", IprevUnknown, "", "-", with("Message-ID: <2.CanonTxNo.7@example.org>")}, "msg-mailer-device:fail"},
		{observed{"", IprevUnknown, "", "-", with("Date: Mon, 1 Jun 2026 10:00:00 +0480")}, "msg-date-zone:fail"},
		{observed{"", IprevUnknown, "", "-", with("Date: Mon, 1 Jun 2026 10:00:00 -1900")}, "msg-date-zone:fail"},
		{observed{"", IprevUnknown, "", "-", with("Date: Mon, 1 Jun 2026 10:00:00 +0545")}, ""},
		{observed{"", IprevUnknown, "", "-", with("X-Mailer: Microsoft Outlook Express 6.00.2900.2180")}, ""},
		{observed{"", IprevUnknown, "", "-", append(sane[1:3:3], "X-Mailer: Microsoft Outlook Express 6.00.2900.2180")}, "msg-direct:fail msg-desktop:fail"},
		{observed{"", IprevUnknown, "", "pc1", []string{"Received: from a by mail.example.org; x", sane[1], sane[2]}}, "helo-single:fail msg-trace:fail"},
		{observed{"", IprevUnknown, "", "pc1", []string{"Received: from a by PC1 (Postfix); x", sane[1], sane[2]}}, "helo-single:fail msg-trace-helo:pass"},
		{observed{"", pass, hostPTR, hostPTR, []string{"Received: by mx2.example.org", sane[1], sane[2]}},
			"ptr-server:pass helo-ptr:pass helo-independent:pass msg-trace:pass"},
		{observed{"", pass, linePTR, linePTR, []string{"Received: by mail.isp.example", sane[1], sane[2]}},
			"ptr-access:fail helo-cpe:fail msg-trace:neutral"},
		{observed{"", IprevUnknown, "", "-", []string{"Subject: x"}}, "msg-direct:fail msg-no-date:fail msg-no-id:fail msg-busybox:fail"},
	}
	seen := make(map[string]bool)
	for _, tt := range tests {
		j := tt.judge()
		if got := j.found(); got != tt.want {
			t.Errorf("iprev %v ptr %q helo %q headers %q:\n\tgot  %s\n\twant %s", tt.iprev, tt.ptr, tt.helo, tt.headers, got, tt.want)
		}
		for _, f := range j.Findings.List() {
			seen[f.Signal.Name] = true
		}
	}
	for _, name := range []string{"tls", "helo-recipient", "helo-changed", "stack-desktop", "sender-random", "history-device", "history-regular"} {
		seen[name] = true // tests of their own
	}
	for _, tt := range foundTests {
		seen[strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(tt.want, ":fail"), ":pass"), ":neutral")] = true
	}
	for i := range Signals {
		if !seen[Signals[i].Name] {
			t.Errorf("no test finds %s", Signals[i].Name)
		}
	}
}

// TestSessionFacts are signals of facts that no client of the table above has.
func TestSessionFacts(t *testing.T) {
	f := observed{helo: "example.com"}.facts()
	f.Recipient, f.Greeting.Before = Seen("Example.com"), Seen("pc1")
	var j Judgement
	j.Judge(f, StageRcpt, &testPrior, testLimit)
	if got, want := j.found(), "helo-independent:pass helo-domain:fail helo-recipient:fail helo-changed:fail"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	f.Confirmed, f.Greeting.Before = IprevPass, Seen("EXAMPLE.com")
	j.Judge(f, StageRcpt, &testPrior, testLimit)
	if got, want := j.found(), "helo-independent:pass helo-domain:neutral"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTLS(t *testing.T) {
	f := observed{helo: "-"}.facts()
	f.Greeting.TLSVersion = "TLSv1.3"
	j := new(Judgement)
	j.Judge(f, StageRcpt, &testPrior, testLimit)
	if got := j.found(); got != "tls:neutral" || j.Class != ClassUnknown {
		t.Errorf("%s, class %v", got, j.Class)
	}
}

func TestDeviceFindings(t *testing.T) {
	for _, o := range []observed{
		{iprev: IprevPass, ptr: "diskstation.example.org", helo: "-"},
		{helo: "DiskStation"},
		{helo: "-", headers: []string{"Message-ID: <1@diskstation>"}},
	} {
		j := o.judge()
		if f := j.Findings.List()[len(j.Findings.List())-1]; f.Kind != device.NAS && o.headers == nil || o.headers != nil && !strings.Contains(j.found(), "msg-id-host:fail") {
			t.Errorf("%+v: %s %+v", o, j.found(), f)
		}
	}
}

func TestSignalTable(t *testing.T) {
	seen := make(map[string]bool)
	for i := range Signals {
		s := &Signals[i]
		if seen[s.Name] || s.Name != strings.ToLower(s.Name) || s.Test == nil || s.Group >= numGroups || s.Family >= numFamilies {
			t.Errorf("signal %q: double, or not filled in", s.Name)
		}
		if s.Stage != StageRcpt && s.Stage != StageEOM {
			t.Errorf("signal %q is judged at %v", s.Name, s.Stage)
		}
		if (s.Group == GroupMessage) != (s.Stage == StageEOM) {
			t.Errorf("signal %q: headers are known at the end of message only", s.Name)
		}
		seen[s.Name] = true
	}
}

func TestJudgeAllocations(t *testing.T) {
	j, f := new(Judgement), observed{iprev: IprevPass, ptr: linePTR, helo: "DiskStation"}.facts()
	if n := testing.AllocsPerRun(100, func() { j.Judge(f, StageRcpt, &testPrior, testLimit) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkJudge(b *testing.B) {
	j, f := new(Judgement), observed{iprev: IprevPass, ptr: linePTR, helo: linePTR}.facts()
	b.ReportAllocs()
	for b.Loop() {
		j.Judge(f, StageRcpt, &testPrior, testLimit)
	}
}
