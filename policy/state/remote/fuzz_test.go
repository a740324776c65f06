package remote

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/iot-milter/iot-milter/policy/state"
)

type unmetered struct{}

func (unmetered) Call(string, string, time.Duration) {}
func (unmetered) Behind(string, string, int)         {}
func (unmetered) Degraded(bool)                      {}

// parrot is a store that says the same to whatever it is asked.
type parrot []byte

func (p parrot) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		for b := make([]byte, 64<<10); ; {
			if _, err := theirs.Read(b); err != nil {
				return
			}
			if _, err := theirs.Write(p); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// FuzzAnswers: whatever a store answers, callers get what they can use.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{":1\r\n", "*1\r\n:1\r\n", "*2\r\n:1\r\n:500000\r\n", "-READONLY no\r\n",
		"*2\r\n$1\r\n0\r\n*1\r\n$6\r\nhost:x\r\n", "$-1\r\n", "*-1\r\n", "%1\r\n+a\r\n:1\r\n",
		"*16\r\n:0\r\n:0\r\n:1\r\n:1\r\n:-5\r\n:9223372036854775807\r\n:4\r\n:5\r\n:6\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		local, err := state.New(state.Options{Entries: 10})
		if err != nil {
			t.Fatal(err)
		}
		s := &Store{opts: Options{Prefix: prefix, Timeout: 3 * time.Millisecond, Share: 10, Log: slog.New(slog.DiscardHandler), Meter: unmetered{}, Now: time.Now},
			local: local, hosts: newHosts(), closing: make(chan struct{})}
		s.client = redis.NewClient(&redis.Options{Dialer: bound(parrot(answer).dial), Protocol: 2, DisableIdentity: true, MaxRetries: -1, PoolSize: 1,
			ContextTimeoutEnabled: true, ReadTimeout: 3 * time.Millisecond})
		defer s.client.Close()
		at := time.Unix(1795377600, 0)
		it := state.Item{Key: 1, Wide: 2, Network: 3}
		s.Retried(state.Attempt{Item: it}, at, time.Minute, time.Hour)
		if n := s.Tried(it, at); n < 0 {
			t.Errorf("%d tries", n)
		}
		draws := []state.Draw{{Item: it, Rate: state.Rate{Count: 1, Per: time.Hour, Burst: 1}}}
		if empty, _ := s.Take(at, draws); empty < -1 || empty >= len(draws) {
			t.Errorf("of %d buckets the one with number %d is empty", len(draws), empty)
		}
		s.Known(it, at)
		said := s.Mailed(state.Mail{At: at, Habit: it}, state.CampaignRule{Window: time.Minute, Hosts: 3, Hold: time.Hour})
		for _, c := range said.Campaigns {
			if c.Networks < 0 {
				t.Errorf("%+v", c)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		s.read(ctx, []netip.Addr{netip.MustParseAddr("203.0.113.7")})
		s.campaigns(ctx, at)
		s.forget(ctx, netip.MustParsePrefix("203.0.113.0/24"))
	})
}
