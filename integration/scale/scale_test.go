package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy"
)

const root = "../.."

// TestPage: the tables of the page are those that its figures make.
func TestPage(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	f, err := kept(string(b))
	if err != nil {
		t.Fatal(err)
	}
	if f.Enforce.Mix.Micros == 0 || len(f.Rates) == 0 || len(f.Slow) == 0 || len(f.Store) == 0 {
		t.Fatalf("figures are missing: %+v", f)
	}
	for _, p := range allParts {
		if f.Measured[p.name] == "" {
			t.Errorf("%s was not measured", p.name)
		}
	}
	text, err := f.into(string(b))
	if err != nil {
		t.Fatal(err)
	}
	if text != string(b) {
		t.Errorf("%s is not what its figures make; hint: make scale, or SCALEFLAGS=-again where only formulas changed", page)
	}
}

// TestConstants: what the formulas take for given is so.
func TestConstants(t *testing.T) {
	c := conf.Default()
	if c.Limits.Sessions != judgedLimit || c.Limits.Lookups != lookupLimit {
		t.Errorf("%d sessions are judged with %d look-ups, not %d with %d", c.Limits.Sessions, c.Limits.Lookups, judgedLimit, lookupLimit)
	}
	for path, want := range map[string]string{
		"policy/state/remote/url.go":           fmt.Sprintf(`poolSize += %d\n`, poolSize),
		"packaging/systemd/iot-milter.service": fmt.Sprintf(`(?m)^LimitNOFILE=%d$`, filesLimit),
	} {
		b, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || !regexp.MustCompile(want).Match(b) {
			t.Errorf("%s has no %s (%v)", path, want, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	for _, assumed := range []string{fmt.Sprintf("%d times the average", peakFactor), fmt.Sprintf("%d s from CONNECT to QUIT", sessionTime),
		fmt.Sprintf("%.0f %% of its thread", 100*mostBusy), fmt.Sprintf("iot-milter %d µs", daemonCost), fmt.Sprintf("Postfix %d µs", mtaCost),
		fmt.Sprintf("takes %.0f ms", 1e3*lookupTime), fmt.Sprintf("%v a core-hour", coreHour)} {
		if !strings.Contains(string(b), assumed) {
			t.Errorf("%s does not say that it assumes %q", page, assumed)
		}
	}
}

// TestCosts: what a session is taken to cost is near to what docs/performance.md has, by the shares that the page gives.
func TestCosts(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "docs/performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(b), "\n20 header fields, 5 KiB: ")
	if !ok {
		t.Fatal("docs/performance.md has no table of 20 fields")
	}
	var daemon, mta float64
	for name, share := range map[string]float64{"warm": .58, "cold": .12, "suspects": .3} {
		_, row, _ := strings.Cut(text, "\n| iot-milter, "+name+" | ")
		cells := strings.Split(row, " | ")
		if len(cells) < 8 {
			t.Fatalf("no row of %s", name)
		}
		for i, sum := range map[int]*float64{4: &daemon, 7: &mta} {
			micros, err := strconv.ParseFloat(cells[i], 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			*sum += share * micros
		}
	}
	for _, c := range []struct {
		what           string
		taken, measure float64
	}{{"iot-milter", daemonCost, daemon}, {"Postfix", mtaCost, mta}} {
		if r := c.taken / c.measure; r < .8 || r > 1.25 {
			t.Errorf("%s: a session is taken to cost %.0f µs, and %.0f were measured", c.what, c.taken, c.measure)
		}
	}
}

// TestSizing is worked out by hand.
func TestSizing(t *testing.T) {
	s := sizes[2]
	if got := fmt.Sprintf("%.0f %.0f", s.average(), s.peak()); got != "11574 34722" {
		t.Error(got)
	}
	// 34,722 a second of 100 µs are 3.47 cores: six threads that are busy by 58 %.
	if cores, stores := s.cores(100), s.stores(100); fmt.Sprintf("%.2f", cores) != "3.47" || stores != 6 {
		t.Error(cores, stores)
	}
	if n := sizes[0].stores(100); n != 1 {
		t.Error(n)
	}
	for v, want := range map[float64]string{1e9: "1,000 M", 1e7: "10 M", 34722.2: "34,722", 347.2: "347", 20: "20.0", .594: "0.59", .0008: "0.0008"} {
		if got := number(v); got != want {
			t.Errorf("%v: %q, not %q", v, got, want)
		}
	}
}

// TestClients: no two have one address, all are judged, and their shares are those of [prior].
func TestClients(t *testing.T) {
	seen, of := map[string]bool{}, map[policy.Class]int{}
	const n = 200_000
	for i := range n {
		c := clientOf(i * 52)
		if seen[c.addr.String()] || !c.addr.IsValid() {
			t.Fatalf("client %d has the address of another, %v", c.n, c.addr)
		}
		seen[c.addr.String()] = true
		of[clientOf(i).kind]++
	}
	p := conf.Default().Prior
	for class, share := range map[policy.Class]float64{policy.ClassMailserver: p.Mailserver, policy.ClassAccess: p.Access, policy.ClassDevice: p.Device} {
		if got := float64(of[class]) / n; got < share-.001 || got > share+.001 {
			t.Errorf("%v: a share of %v, not %v", class, got, share)
		}
	}
}

// TestRecord: the facts that a large store is filled with are as long as those of a client.
func TestRecord(t *testing.T) {
	if _, err := exec.LookPath(serverBinary()); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c, err := newCluster(&options{}, hardest, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	client := clientOf(firstNew)
	(&session{client: client, node: c.nodes[0], rtt: 50 * time.Millisecond}).play(context.Background())
	if got := len(c.nodes[0].local.Facts(client.addr, time.Now())); got < sizeOfRecord-8 || got > sizeOfRecord+8 {
		t.Errorf("a record of %d bytes, not about %d", got, sizeOfRecord)
	}
}
