package policy

import (
	"math"
	"testing"

	"github.com/iot-milter/iot-milter/policy/device"
)

func TestWeights(t *testing.T) {
	at := make(map[string]int)
	for i := range Signals {
		at[Signals[i].Name] = i
	}
	for i := range Weights {
		w := &Weights[i]
		if of, ok := at[w.Signal]; !ok || rows[of].weights[w.Status] != w {
			t.Errorf("%s:%v names no signal, or stands twice", w.Signal, w.Status)
		}
		if w.Source == "" {
			t.Errorf("%s:%v has no source", w.Signal, w.Status)
		}
		if w.Signal == "tls" || w.Status == StatusTempError || w.Status == StatusNeutral || w.Status == StatusNone {
			t.Errorf("%s:%v must carry no weight", w.Signal, w.Status)
		}
		most := 20.0
		if !w.Measured {
			most = MaxUnmeasured
		}
		for c, d := range w.Decibans {
			if math.Abs(d) > most {
				t.Errorf("%s:%v weighs %v for %v, at most %v", w.Signal, w.Status, d, Class(c), most)
			}
		}
		if w.Decibans[ClassMailserver] != 0 || w.Decibans[ClassUnknown] != 0 {
			t.Errorf("%s:%v is not counted against a mail server", w.Signal, w.Status)
		}
	}
}

// TestDocumented holds the examples of the documents.
func TestDocumented(t *testing.T) {
	const line, client = "line", "client"
	tests := []struct {
		name string
		observed
		class  Class
		min    float64
		flag   Flag
		kind   device.Kind
		vendor string
		line   bool
		client bool
		indep  bool
	}{
		{"NAS on a line", observed{iprev: IprevPass, ptr: linePTR, helo: "DiskStation"},
			ClassDevice, 0.9, FlagYes, device.NAS, "Synology", true, true, false},
		{"the same word from a mail server", observed{iprev: IprevPass, ptr: hostPTR, helo: "DiskStation"},
			ClassMailserver, 0.75, FlagNo, device.None, "", false, true, false},
		{"line that greets with its own name", observed{iprev: IprevPass, ptr: linePTR, helo: linePTR},
			ClassAccess, 0.75, FlagSuspect, device.None, "", true, false, false},
		{"router on a line", observed{iprev: IprevPass, ptr: linePTR, helo: "speedtouch.lan"},
			ClassDevice, 0.9, FlagYes, device.Router, "Technicolor", true, true, false},
		{"no PTR, one word", observed{iprev: IprevPermError, helo: "COMPUTER"},
			ClassAccess, 0.75, FlagSuspect, device.None, "", true, true, false},
		{"self-hoster on a line", observed{iprev: IprevPass, ptr: linePTR, helo: "mail.example.org"},
			ClassAccess, 0.4, FlagNo, device.None, "", true, false, true},
		{"self-hoster who greets with his domain", observed{iprev: IprevPass, ptr: linePTR, helo: "example.org"},
			ClassAccess, 0.5, FlagNo, device.None, "", true, true, true},
		{"printer on a line", observed{iprev: IprevPass, ptr: linePTR, helo: "NPIF65E56"},
			ClassDevice, 0.9, FlagYes, device.Printer, "HP", true, true, false},
		{"nothing known", observed{helo: "-"},
			ClassUnknown, 0, FlagNo, device.None, "", false, false, false},
		{"static line", observed{iprev: IprevPass, ptr: "203-0-113-7.static.isp.example", helo: "-"},
			ClassBusiness, 0.5, FlagNo, device.None, "", true, false, false},
		{"cloud", observed{iprev: IprevPass, ptr: "ec2-203-0-113-7.compute-1.amazonaws.com", helo: "-"},
			ClassHosting, 0.8, FlagNo, device.None, "", false, false, false},
		{"rented server", observed{iprev: IprevPass, ptr: "static.7.113.0.203.clients.your-server.de", helo: "-"},
			ClassHosting, 0.8, FlagNo, device.None, "", false, false, false},
		{"virtual server", observed{iprev: IprevPass, ptr: "vps-1a2b3c.example.net", helo: "-"},
			ClassHosting, 0.8, FlagNo, device.None, "", false, false, false},
		{"mail server", observed{iprev: IprevPass, ptr: hostPTR, helo: hostPTR},
			ClassMailserver, 0.96, FlagNo, device.None, "", false, false, true},
	}
	for _, tt := range tests {
		j := tt.judge()
		if j.Class != tt.class || j.Confidence < tt.min || j.Flag != tt.flag || j.Device != tt.kind || j.Vendor != tt.vendor {
			t.Errorf("%s: %v %.3f %v %q %q, want %v %.2f %v %q %q; p %.3f; %s", tt.name,
				j.Class, j.Confidence, j.Flag, j.Device, j.Vendor, tt.class, tt.min, tt.flag, tt.kind, tt.vendor, j.P, j.found())
		}
		if j.Families[FamilyLine] != tt.line || j.Families[FamilyClient] != tt.client || j.Independent != tt.indep {
			t.Errorf("%s: %s %v %s %v independent %v; %s", tt.name,
				line, j.Families[FamilyLine], client, j.Families[FamilyClient], j.Independent, j.found())
		}
	}
}

// TestSafety02 shows that findings without a rate never complete a refusal.
func TestSafety02UnmeasuredIsNoFamily(t *testing.T) {
	j := observed{iprev: IprevPass, ptr: linePTR, helo: "a..b", headers: []string{
		"Received: from a by b", "Date: Thu, 1 Jan 1970 00:00:10 +0000", "Message-ID: <1@DiskStation>", "X-Mailer: Canon MFP"}}.judge()
	if j.Families[FamilyClient] {
		t.Errorf("client family by %s", j.found())
	}
}

func TestSafety03Independent(t *testing.T) {
	tests := []struct {
		observed
		want bool
	}{
		{observed{iprev: IprevPass, ptr: linePTR, helo: "mail.example.org"}, true},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "home.example.org"}, true},
		{observed{iprev: IprevPass, ptr: hostPTR, helo: hostPTR}, true},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "me.dyndns.org"}, true},
		{observed{iprev: IprevPass, ptr: linePTR, helo: linePTR}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "mail.isp.example"}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "h203-0-113-7.example.org"}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "mx.example.net"}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "mail.lan"}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "mail"}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "co.uk"}, false},
		{observed{iprev: IprevPass, ptr: linePTR, helo: "-"}, false},
	}
	for _, tt := range tests {
		if got := tt.judge().Independent; got != tt.want {
			t.Errorf("ptr %q helo %q: independent %v", tt.ptr, tt.helo, got)
		}
	}
}

// TestSafety04 holds for every name: a temporary failure is no evidence.
func TestSafety04TempErrorIsNoEvidence(t *testing.T) {
	for _, ptr := range []string{"", linePTR, hostPTR, "ec2-203-0-113-7.compute-1.amazonaws.com", "diskstation.example.org"} {
		j := observed{iprev: IprevTempError, ptr: ptr, helo: "-"}.judge()
		if j.Class != ClassUnknown || j.Flag != FlagNo {
			t.Errorf("ptr %q: %v %v by %s", ptr, j.Class, j.Flag, j.found())
		}
	}
}

// TestSafety05YearIsNoEvidence: what tells the year rather than the host changes
// nothing.
func TestSafety05YearIsNoEvidence(t *testing.T) {
	plain := []string{"Subject: x", "Date: Sun, 22 Nov 2026 20:00:00 +0000"}
	modern := append(plain[:2:2], "DKIM-Signature: v=1", "ARC-Seal: i=1", "List-Id: <a.example.org>", "List-Unsubscribe: <https://example.org>",
		"Authentication-Results: mx.example.org; dkim=pass")
	for _, o := range []observed{{iprev: IprevPass, ptr: linePTR, helo: linePTR}, {iprev: IprevPass, ptr: hostPTR, helo: hostPTR}} {
		o.headers = plain
		want := o.judge().P
		o.headers = modern
		if got := o.judge().P; got != want {
			t.Errorf("%s: %v with modern headers, %v without", o.ptr, got, want)
		}
		f, j := o.facts(), new(Judgement)
		f.Greeting.TLSVersion, f.Greeting.Cipher = "TLSv1.3", "TLS_AES_256_GCM_SHA384"
		if j.Judge(f, StageEOM, &testPrior, testLimit); j.P != want {
			t.Errorf("%s: %v with TLS, %v without", o.ptr, j.P, want)
		}
	}
}
