package evidence

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
)

func codes(texts ...string) (out []policy.Codes) {
	for _, text := range texts {
		c, err := policy.ParseCodes(text)
		if err != nil {
			panic(err)
		}
		out = append(out, c)
	}
	return out
}

// listWorld is a collector whose lists have been tested once.
func listWorld(t *testing.T, zone string, lists ...List) (*world, []string) {
	t.Helper()
	told := make(chan string, 100)
	names := map[string]bool{}
	for i := range lists {
		lists[i].Weight = policy.ListWeight(lists[i].Kind, 4, "")
		names[lists[i].Zone] = true
	}
	log := new(strings.Builder)
	w := newWorld(t, zone, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
		o.Lists = lists
		o.Meter.(*counts).wait = told
	})
	w.log = log
	var got []string
	for range names {
		select {
		case text := <-told:
			got = append(got, text)
		case <-time.After(10 * time.Second):
			t.Fatal("lists were not tested")
		}
	}
	return w, got
}

func listings(f *policy.Facts) string {
	var out []string
	for _, l := range f.Listings {
		out = append(out, l.Zone+" "+l.Kind.String()+" "+l.Code.String())
	}
	return strings.Join(out, ", ")
}

// fails are the questions of ten clients.
func fails(zone string) (names string) {
	for i := range maxListFailures {
		names += fmt.Sprintf(" %d.2.0.192.%s", 100+i, zone)
	}
	return names + "\n"
}

const testEntry = "2.0.0.127.list.example A 127.0.0.2\n"

func TestLists(t *testing.T) {
	const zone = testEntry + `
7.2.0.192.list.example A 127.0.0.10
7.2.0.192.list.example A 127.0.0.4
8.2.0.192.list.example A 127.0.0.2
7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.list.example A 127.0.0.11
`
	w, tested := listWorld(t, zone,
		List{Zone: "list.example", Codes: codes("127.0.0.10-11"), Kind: policy.ListAccess},
		List{Zone: "list.example", Codes: codes("127.0.0.4-7"), Kind: policy.ListProxy})
	if len(tested) != 1 || tested[0] != "list.example true" {
		t.Fatalf("%q", tested)
	}
	for addr, want := range map[string]string{
		"192.0.2.7":   "list.example access 127.0.0.10, list.example proxy 127.0.0.4",
		"192.0.2.8":   "", // an answer that does not count
		"192.0.2.9":   "",
		"2001:db8::7": "list.example access 127.0.0.11",
	} {
		c := clientOf(addr, policy.IprevPass, "")
		if got := listings(all(t, w.Start(c), c)); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	if n := w.dns.Count("7.2.0.192.list.example", ""); n != 1 {
		t.Errorf("two rules about a zone asked %d times", n)
	}
	if s := w.Lists()["list.example"]; s != "ok" {
		t.Errorf("state %q", s)
	}
}

// TestListSelfTest: a list that does not pass RFC 5782's test is not asked.
func TestListSelfTest(t *testing.T) {
	for name, zone := range map[string]string{
		"gone":     "",
		"parked":   "2.0.0.127.list.example A 203.0.113.1\n",
		"wildcard": testEntry + "1.0.0.127.list.example A 127.0.0.2\n7.2.0.192.list.example A 127.0.0.2\n",
		"blocked":  "2.0.0.127.list.example A 127.255.255.254\n",
		"ill":      "!servfail 2.0.0.127.list.example\n",
	} {
		w, tested := listWorld(t, zone, List{Zone: "list.example", Kind: policy.ListAbuse})
		if tested[0] != "list.example false" || w.Lists()["list.example"] == "ok" {
			t.Errorf("%s: %q, %v", name, tested, w.Lists())
		}
		c := clientOf("192.0.2.7", policy.IprevPass, "")
		if got := listings(all(t, w.Start(c), c)); got != "" || w.dns.Count("7.2.0.192.list.example", "") > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestSafetyListErrors: an error code is never a listing, and switches the list off.
func TestSafetyListErrors(t *testing.T) {
	for _, code := range []string{"127.255.255.252", "127.255.255.254", "127.255.255.255", "127.0.0.255", "203.0.113.9"} {
		w, _ := listWorld(t, testEntry+"7.2.0.192.list.example A "+code+"\n", List{Zone: "list.example", Kind: policy.ListAbuse})
		c := clientOf("192.0.2.7", policy.IprevPass, "")
		if got := listings(all(t, w.Start(c), c)); got != "" {
			t.Errorf("%s: %q", code, got)
		}
		if w.Lists()["list.example"] == "ok" || w.meter.of("list.example false") != 1 {
			t.Errorf("%s: the list is still in use", code)
		}
		c.Addr = netip.MustParseAddr("192.0.2.8")
		all(t, w.Start(c), c)
		if w.dns.Count("8.2.0.192.list.example", "") > 0 {
			t.Errorf("%s: the list is still asked", code)
		}
	}
}

// TestListThatFails: one failure is none of the list's; ten in a row switch it off.
func TestListThatFails(t *testing.T) {
	zone := testEntry + "!servfail"
	for i := range maxListFailures {
		zone += fmt.Sprintf(" %d.2.0.192.list.example", 10+i)
	}
	w, _ := listWorld(t, zone+"\n", List{Zone: "list.example", Kind: policy.ListAbuse})
	for i := range maxListFailures {
		if w.Lists()["list.example"] != "ok" {
			t.Fatalf("off after %d failures", i)
		}
		c := clientOf(netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}).String(), policy.IprevPass, "")
		all(t, w.Start(c), c)
	}
	if w.Lists()["list.example"] == "ok" {
		t.Error("a list that never answers is still asked")
	}
}

// TestListKeyIsSecret: the key of a customer is in the question and nowhere else.
func TestListKeyIsSecret(t *testing.T) {
	zone := `
2.0.0.127.sesame.zen.dq.spamhaus.net A 127.0.0.2
7.2.0.192.sesame.zen.dq.spamhaus.net A 127.0.0.10
!servfail` + fails("sesame.zen.dq.spamhaus.net")
	w, tested := listWorld(t, zone, List{Zone: "sesame.zen.dq.spamhaus.net", Kind: policy.ListAccess})
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	got := listings(all(t, w.Start(c), c))
	if got != "zen.dq.spamhaus.net access 127.0.0.10" || strings.Contains(strings.Join(tested, " "), "sesame") {
		t.Errorf("%q, %q", got, tested)
	}
	for i := range maxListFailures {
		c.Addr = netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)})
		all(t, w.Start(c), c)
	}
	if states := fmt.Sprint(w.Lists()); strings.Contains(w.log.String()+states, "sesame") || !strings.Contains(states, "servfail") {
		t.Errorf("%s%s", w.log.String(), states)
	}
}

// busy is DNS without room, but for the self-test.
type busy struct{ DNS }

func (b busy) Addrs(ctx context.Context, name string, family int) ([]netip.Addr, error) {
	if strings.Contains(name, ".0.0.127.") {
		return b.DNS.Addrs(ctx, name, family)
	}
	return nil, &resolve.Error{Failure: resolve.Busy}
}

// TestListNotAsked: own trouble is none of the list's.
func TestListNotAsked(t *testing.T) {
	told := make(chan string, 100)
	w := newWorld(t, testEntry, func(o *Options) {
		o.Lists = []List{{Zone: "list.example", Weight: policy.ListWeight(policy.ListAbuse, 4, "")}}
		o.DNS = busy{o.DNS}
		o.Meter.(*counts).wait = told
	})
	<-told
	c := clientOf("192.0.2.7", policy.IprevPass, "")
	for range 2 * maxListFailures {
		all(t, w.Start(c), c)
	}
	if w.Lists()["list.example"] != "ok" || w.meter.of("list temperror") != 2*maxListFailures {
		t.Errorf("%v %v", w.Lists(), w.meter.n)
	}
}
