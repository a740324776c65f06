package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/policy"
)

const root = "../.."

// TestDefaults: what is played is configured as the daemon is by default.
func TestDefaults(t *testing.T) {
	c := conf.Default()
	got, want := defaults(&c), daemon.Settings(&c)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, not\n%+v", got, want)
	}
}

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
	if c.Limits.Sessions != judgedLimit {
		t.Errorf("%d sessions are judged, not %d", c.Limits.Sessions, judgedLimit)
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
		fmt.Sprintf("%.0f %% of its thread", 100*mostBusy), fmt.Sprintf("%d µs", daemonCost), fmt.Sprintf("%v a core-hour", coreHour)} {
		if !strings.Contains(string(b), assumed) {
			t.Errorf("%s does not say that it assumes %q", page, assumed)
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
