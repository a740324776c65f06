package daemon

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/evidence/probe"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// TestProberIsHandedOver: /ready may ask the old sources while a reload takes their
// prober away.
func TestProberIsHandedOver(t *testing.T) {
	c := conf.Default()
	s := &Sources{log: slog.New(slog.DiscardHandler), probe: new(probe.Prober), stop: make(chan struct{}), Collector: evidence.New(evidence.Options{})}
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 1000 {
			s.Finds("banner-device")
		}
	})
	same, before := s.prober(&c, &c)
	wg.Wait()
	if same == nil || before != nil {
		t.Errorf("%v %v", same, before)
	}
	s.Close() // the prober, which never began, is not closed
	other := conf.Default()
	other.Exempt.Networks = nil
	if same, before := s.prober(&c, &other); same != nil || before == nil {
		t.Errorf("%v %v", same, before)
	}
}

// TestRoomForQuestions: the look-ups that may be under way have room for their
// questions, and those of a recording wait for it.
func TestRoomForQuestions(t *testing.T) {
	server, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.Set("*.example A 192.0.2.7\n!delay 100ms *\n"); err != nil {
		t.Fatal(err)
	}
	c := conf.Default()
	c.DNS.Servers = []netip.AddrPort{server.Addr()}
	s, errs := OpenSources(&c, SourceOptions{Log: slog.New(slog.DiscardHandler), Recorded: true})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer s.Close()
	all := make([]policy.Lookups, 600)
	client := policy.Client{Addr: netip.MustParseAddr("192.0.2.7"), Iprev: policy.IprevPermError}
	for i := range all {
		all[i] = s.Collector.Start(client)
		defer all[i].Close()
		all[i].Greeting(policy.Greeting{Name: policy.Seen(fmt.Sprintf("x%d.example", i))})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for i, l := range all {
		var f policy.Facts
		if err := l.Await(ctx, &f); err != nil || f.Confirmed != policy.IprevPass {
			t.Fatalf("look-up %d: %v %v", i, f.Confirmed, err)
		}
	}
}

// TestReloadFindsWhatWasMissing: the same configuration tries again what could not
// be had.
func TestReloadFindsWhatWasMissing(t *testing.T) {
	c := conf.Default()
	c.DNS.Enabled, c.TCPInfo.Enabled = false, false
	d := &Daemon{log: slog.New(slog.NewTextHandler(io.Discard, nil)), metrics: obs.NewMetrics("test"), running: &c}
	first := d.openSources(&c)
	if d.reopenSources(&c) != first {
		t.Error("sources that are all there are opened anew")
	}
	c.ASN.Database = filepath.Join(t.TempDir(), "none.mmdb")
	missing := d.openSources(&c)
	if !strings.Contains(missing.States()["networks"], "none.mmdb") {
		t.Fatalf("%v", missing.States())
	}
	if d.reopenSources(&c) == missing {
		t.Error("what is missing stays missing")
	}
	d.sources.Load().Close()
	first.Close()
}
