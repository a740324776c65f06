package remote_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// use calls everything once, as the message number n of a host.
func use(h *mx, n int) {
	at := began.Add(time.Duration(n) * time.Second)
	name := fmt.Sprint(n % 500)
	h.Retried(state.Attempt{Item: item(h, name, "x")}, at, delay, keep)
	d := []state.Draw{{Item: item(h, name, "y"), Rate: state.Rate{Count: 1000, Per: time.Second, Burst: 1000}}}
	h.Available(at, d)
	h.Take(at, d)
	h.Mailed(state.Mail{Habit: item(h, name, "z"), Templates: [2]state.Key{state.Key(n % 7)}, Network: state.Key(n), At: at}, ruleOf25)
	addr := address(n)
	h.Prefetch(addr)
	h.Host(addr, at)
	h.Visit(addr, state.Visit{At: at})
	h.Learn(item(h, name, "z"), at)
	h.Facts(addr, at)
	h.KeepFacts(addr, "facts", at, at.Add(time.Hour))
}

// told waits until the store was told of all visits and facts so far.
func told(t *testing.T, h *mx) {
	t.Helper()
	eventually(t, 5*time.Second, "the store is told", func() bool {
		return h.meter.later("visits done")+h.meter.later("visits dropped") == int(h.visits.Load()) &&
			h.meter.later("facts done")+h.meter.later("facts dropped") == int(h.facts.Load())
	})
}

// calls is how many questions use waits for.
const calls = 4

func address(n int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, byte(n >> 8), byte(n)}) }

// alone checks that a host answers from its own memory: a bucket of three gives three.
func alone(t *testing.T, h *mx, name string) {
	t.Helper()
	for i := range 4 {
		if empty, _ := h.Take(began, draws(h, name)); (empty < 0) != (i < 3) {
			t.Errorf("draw %d: %d", i, empty)
		}
	}
	addr := netip.MustParseAddr("192.0.2.77")
	before, _ := h.Host(addr, began)
	h.Visit(addr, state.Visit{At: began})
	if after, ok := h.Host(addr, began); !ok || after.Sessions != before.Sessions+1 {
		t.Errorf("the history of %+v is %+v", before, after)
	}
}

// again waits until a host that was alone shares what it sees with the others.
func again(t *testing.T, h *mx, within time.Duration) {
	t.Helper()
	eventually(t, within, "well again", func() bool { return !h.Degraded() })
	told(t, h)
	done := h.meter.later("visits done")
	h.Visit(netip.MustParseAddr("192.0.2.78"), state.Visit{At: began})
	told(t, h)
	if h.meter.later("visits done") != done+1 {
		t.Error("a visit is not told: ", h.meter, h.logs)
	}
	if got, _ := knows(t, h, netip.MustParseAddr("192.0.2.78"), began); got.Sessions == 0 {
		t.Error("a visit is not known")
	}
}

func TestNoServer(t *testing.T) {
	h := open(t, "redis://someone:geheim@127.0.0.1:"+freePort(t), quick)
	if !h.Degraded() {
		t.Error("is well without a server")
	}
	alone(t, h, "x")
	if h.Key("a", "b") != h.local.Key("a", "b") || h.Hashed(1) != h.local.Hashed(1) {
		t.Error("keys before the store was reached are not the own memory's")
	}
	if l := h.logs.String(); strings.Count(l, "\n") != 1 || !strings.Contains(l, "cause=unreachable") || strings.Contains(l, "geheim") {
		t.Error(l)
	}
	if h.meter.count("local") != 4 || h.meter.count("unreachable") != 1 {
		t.Error(h.meter)
	}
}

// TestServerComesLate: a host that started alone joins the others.
func TestServerComesLate(t *testing.T) {
	s := start(t)
	s.kill()
	h := open(t, s.url())
	before := h.Key("a")
	s.start()
	eventually(t, 10*time.Second, "joined", func() bool { return !h.Degraded() })
	other := open(t, s.url())
	if h.Key("a") != other.Key("a") || h.Hashed(7) != other.Hashed(7) || h.Key("a") == before {
		t.Error("two hosts have two secrets")
	}
	if h.Key("ab", "c") == h.Key("a", "bc") || h.Key("a") == h.Key("a", "") {
		t.Error("keys of different parts are the same")
	}
	if secret, err := remote.Secret(remote.Options{URL: s.url(), Now: time.Now}); err != nil || secret == [16]byte{} {
		t.Error(secret, err)
	} else if m, _ := state.New(state.Options{Entries: 1, Secret: secret}); m.Key("a", "b") != h.Key("a", "b") || m.Hashed(1) != h.Hashed(1) {
		t.Error("a memory with the shared secret has other keys")
	}
	if l := h.logs.String(); strings.Count(l, "\n") != 2 || !strings.Contains(l, "answers again") {
		t.Error(l)
	}
}

func TestPasswords(t *testing.T) {
	s := start(t, "--requirepass", "geheim")
	for url, cause := range map[string]string{
		"unix://:geheim@" + s.socket:            "",
		"redis://:geheim@127.0.0.1:" + s.port:   "",
		"redis://:falsch1@127.0.0.1:" + s.port:  "auth",
		"redis://x:falsch1@127.0.0.1:" + s.port: "auth",
		"unix://" + s.socket:                    "auth",
	} {
		h := open(t, url)
		use(h, 1)
		if h.Degraded() != (cause != "") || cause != "" && h.meter.count(cause) == 0 {
			t.Error(url, h.meter, h.logs)
		}
		if l := h.logs.String(); strings.Contains(l, "geheim") || strings.Contains(l, "falsch1") {
			t.Error("the password is in the log: ", l)
		}
	}
}

// TestACL: what the hint says is enough.
func TestACL(t *testing.T) {
	s := start(t)
	s.do("ACL", "SETUSER", "mx", "on", ">geheim", "~iot-milter:*", "+@scripting", "+@read", "+@write", "+@connection", "-@dangerous")
	h := open(t, "redis://mx:geheim@127.0.0.1:"+s.port)
	use(h, 1)
	if h.Degraded() || h.meter.count("ok") != calls {
		t.Error(h.meter, h.logs)
	}
	s.do("ACL", "SETUSER", "mx", "resetkeys", "~other:*")
	for n := range 3 {
		use(h, n)
	}
	if !h.Degraded() || h.meter.count("auth") < 3 {
		t.Error(h.meter, h.logs)
	}
}

// TestReplica: a primary that became a replica writes no more, and comes back.
func TestReplica(t *testing.T) {
	primary, s := start(t), start(t)
	h := open(t, "redis://127.0.0.1:"+s.port)
	use(h, 1)
	s.do("REPLICAOF", "127.0.0.1", primary.port)
	for n := range 10 {
		use(h, n)
	}
	alone(t, h, "replica")
	if !h.Degraded() || h.meter.count("readonly")+h.meter.count("loading") < 3 {
		t.Error(h.meter, h.logs)
	}
	s.do("REPLICAOF", "NO", "ONE")
	again(t, h, 10*time.Second)
}

func TestFull(t *testing.T) {
	s := start(t)
	h := open(t, s.url())
	use(h, 1)
	s.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	s.do("CONFIG", "SET", "maxmemory", "1mb")
	for n := range 5 {
		use(h, n)
	}
	alone(t, h, "full")
	if !h.Degraded() || h.meter.count("full") < 3 {
		t.Error(h.meter, h.logs)
	}
	s.do("CONFIG", "SET", "maxmemory", "0")
	again(t, h, 10*time.Second)
}

func TestScriptsFlushed(t *testing.T) {
	s := start(t)
	h := open(t, s.url())
	for n := range 20 {
		use(h, n)
		s.do("SCRIPT", "FLUSH")
	}
	if h.Degraded() || h.meter.count("ok") != 20*calls {
		t.Error(h.meter, h.logs)
	}
}

// TestStrangeEntries: what another program wrote under our keys is an error, not a
// crash.
func TestStrangeEntries(t *testing.T) {
	s := start(t)
	s.do("SET", "iot-milter:secret", "short")
	h := open(t, s.url())
	if !h.Degraded() || h.meter.count("error") != 1 {
		t.Error(h.meter, h.logs)
	}
	s.do("DEL", "iot-milter:secret")
	secret := func(o *remote.Options) { o.Secret = [16]byte{1} }
	h = open(t, s.url(), secret)
	s.do("SET", fmt.Sprintf("iot-milter:bucket:%x", uint64(h.Key("n", "x"))), "text")
	alone(t, h, "x")
	if h.meter.count("error") != 3 {
		t.Error(h.meter, h.logs)
	}
}

// TestSlow: no call waits longer than its time, and soon none waits at all.
func TestSlow(t *testing.T) {
	s := start(t)
	h := open(t, s.url(), quick)
	use(h, 1)
	s.do("CLIENT", "PAUSE", "3000", "ALL")
	for n := range 20 {
		before := time.Now()
		use(h, n)
		if took := time.Since(before); took > time.Second {
			t.Errorf("the calls took %v", took)
		}
	}
	if !h.Degraded() || h.meter.count("timeout") < 3 || h.meter.count("timeout") > 10 || h.meter.slowest() > 250*time.Millisecond {
		t.Error(h.meter, h.logs)
	}
	again(t, h, 15*time.Second)
}

// TestSlowWay: a store that answers, but later than a call can wait, is tried and stays
// out of use.
func TestSlowWay(t *testing.T) {
	s := start(t)
	var late atomic.Int64
	h := open(t, "redis://"+slowly(t, s.socket, &late), quick)
	use(h, 1)
	if h.Degraded() {
		t.Fatal(h.logs)
	}
	late.Store(int64(100 * time.Millisecond))
	use(h, 2)
	if !h.Degraded() || h.meter.slowest() > 250*time.Millisecond {
		t.Error(h.meter)
	}
	time.Sleep(2 * time.Second)
	if !h.Degraded() {
		t.Error("in use again")
	}
	late.Store(0)
	again(t, h, 15*time.Second)
}

// slowly passes bytes on, those of the server late.
func slowly(t *testing.T, socket string, late *atomic.Int64) (addr string) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("unix", socket)
			if err != nil {
				c.Close()
				continue
			}
			go func() { io.Copy(up, c); up.Close() }()
			go func() {
				defer c.Close()
				b := make([]byte, 4096)
				for {
					n, err := up.Read(b)
					time.Sleep(time.Duration(late.Load()))
					if _, e := c.Write(b[:n]); err != nil || e != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestKilledUnderLoad: sessions of two hosts go on while the server dies and returns,
// and each call is answered in time.
func TestKilledUnderLoad(t *testing.T) {
	s := start(t)
	all := []*mx{open(t, s.url(), quick), open(t, "redis://127.0.0.1:"+s.port, quick)}
	stop, wg := make(chan struct{}), sync.WaitGroup{}
	var asked atomic.Int64
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
					use(all[i%2], n)
					asked.Add(calls)
				}
			}
		})
	}
	for range 2 {
		time.Sleep(300 * time.Millisecond)
		s.kill()
		for i, h := range all {
			eventually(t, 5*time.Second, fmt.Sprint("host ", i, " is alone"), h.Degraded)
		}
		s.start()
		for i, h := range all {
			eventually(t, 20*time.Second, fmt.Sprint("host ", i, " is back"), func() bool { return !h.Degraded() })
		}
	}
	close(stop)
	wg.Wait()
	for _, h := range all {
		t.Log(h.meter)
		if n := strings.Count(h.logs.String(), "\n"); n > 2 {
			t.Errorf("%d lines within a minute:\n%s", n, h.logs)
		}
	}
	if n := all[0].meter.changes(); n < 5 || asked.Load() == 0 {
		t.Error("it came and went: ", n)
	}
}

// TestPool: a host has sixteen connections at most.
func TestPool(t *testing.T) {
	s := start(t)
	h := open(t, s.url())
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() { use(h, i) })
	}
	wg.Wait()
	list, err := s.admin.ClientList(context.Background()).Result()
	if n := strings.Count(list, "\n"); err != nil || n > 16+1 {
		t.Errorf("%d connections, %v", n, err)
	}
}

// TestEntriesEnd: each has a time to live but the secret.
func TestEntriesEnd(t *testing.T) {
	s := start(t)
	h := open(t, s.url())
	for n := range 50 {
		use(h, n)
	}
	h.Retried(state.Attempt{Item: item(h, "1", "x")}, began.Add(time.Hour), delay, keep)
	hosts{h, h}.wave(98, began, 30, systems(5))
	told(t, h)
	seen(h, state.Sighting{Template: 99, Network: 1, At: began}, ruleOf25)
	h.Tried(item(h, "1", "x"), began)
	keys, err := s.admin.Keys(context.Background(), "*").Result()
	if err != nil || len(keys) < 100 {
		t.Fatal(len(keys), err)
	}
	tables := map[string]bool{}
	for _, k := range keys {
		if !strings.HasPrefix(k, "iot-milter:") {
			t.Error("a key outside of the prefix: ", k)
		}
		tables[strings.Split(k, ":")[1]] = true
		if ttl := s.admin.TTL(context.Background(), k).Val(); ttl <= 0 && k != "iot-milter:secret" || ttl > 91*24*time.Hour {
			t.Errorf("%s lives %v", k, ttl)
		}
	}
	for _, name := range []string{"waiting", "passed", "holds-waiting", "bucket", "holds-bucket", "tries", "holds-tries", "habit", "holds-habit", "few", "members", "run", "campaigns", "host", "holds-host", "facts", "holds-facts", "secret"} {
		if !tables[name] {
			t.Error("no entry of ", name)
		}
	}
}
