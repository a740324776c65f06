package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

func TestURLs(t *testing.T) {
	m, err := state.New(state.Options{Entries: 1})
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"":                                         "unknown scheme",
		"http://h":                                 "unknown scheme",
		"redis://u:geheim@h:port":                  "is no URL",
		"redis://u:geheim@h%zz":                    "is no URL",
		"redis://u:ge\x00heim@h":                   "is no URL",
		"redis://u:geheim@/0":                      "no host",
		"redis://u:geheim@h/x":                     "database",
		"redis://u:geheim@h/-1":                    "database",
		"redis-cluster://u:geheim@h/1":             "database",
		"redis://u:geheim@h?addr=i":                "addr is for",
		"redis-cluster://u:geheim@h?addr=":         "no host",
		"redis-cluster://h?addr=u:geheim@i":        "no host",
		"redis://u:geheim@h?pasword=geheim":        "unknown parameter",
		"redis://u:geheim@h?tls_ca=/x":             "unknown parameter",
		"redis-sentinel://u:geheim@h":              "no master",
		"unix://u:geheim@":                         "absolute path",
		"unix://u:geheim@run/redis.sock":           "absolute path",
		"unix:///run/redis.sock?db=x":              "database",
		"rediss://u:geheim@h?tls_ca=/dev/null":     "has no certificate",
		"rediss://u:geheim@h?tls_ca=/none":         "no such file",
		"rediss-cluster://u:geheim@h?tls_key=none": "tls_cert and tls_key",
	} {
		s, err := remote.Open(remote.Options{URL: url, Local: m})
		if s != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestDatabase(t *testing.T) {
	s := start(t)
	for _, url := range []string{"redis://127.0.0.1:" + s.port + "/3", s.url() + "?db=3"} {
		use(open(t, url), 1)
	}
	if n := s.admin.DBSize(context.Background()).Val(); n != 0 {
		t.Error("entries in database 0")
	}
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	certificate(t, cert, key)
	port := freePort(t)
	s := start(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--requirepass", "geheim")
	h := open(t, "rediss://:geheim@127.0.0.1:"+port+"?tls_ca="+cert+"&tls_cert="+cert+"&tls_key="+key)
	use(h, 1)
	if h.Degraded() {
		t.Error(h.logs)
	}
	for _, url := range []string{"rediss://:geheim@127.0.0.1:" + port, "rediss://:geheim@127.0.0.1:" + s.port + "?tls_ca=" + cert} {
		if h := open(t, url); !h.Degraded() || strings.Contains(h.logs.String(), "geheim") {
			t.Error(url, h.logs)
		}
	}
}

func certificate(t *testing.T, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCluster: three nodes; the one that has our slot dies and returns.
func TestCluster(t *testing.T) {
	var nodes []*server
	var addrs []string
	for range 3 {
		s := start(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t), "--cluster-node-timeout", "1000")
		nodes, addrs = append(nodes, s), append(addrs, "127.0.0.1:"+s.port)
	}
	args := append(append([]string{"--cluster", "create"}, addrs...), "--cluster-yes")
	if out, err := exec.Command("redis-cli", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	well := func() bool {
		for _, s := range nodes {
			if info := s.admin.ClusterInfo(context.Background()).Val(); !strings.Contains(info, "cluster_state:ok") {
				return false
			}
		}
		return true
	}
	eventually(t, 20*time.Second, "the cluster is well", well)
	a, b := open(t, "redis-cluster://"+addrs[0]+"?addr="+addrs[1]), open(t, "redis-cluster://"+addrs[2])
	for n := range 10 {
		use(a, n)
		use(b, n)
	}
	for i := range 4 {
		s := []*mx{a, b}[i%2]
		if empty, _ := s.Take(began, draws(s, "one", "two", "three")); (empty < 0) != (i < 3) {
			t.Errorf("draw %d: %d", i, empty)
		}
	}
	if began, _ := (hosts{a, b}).wave(77, began, 40, systems(5)); began != 25 {
		t.Errorf("began with message %d", began)
	}
	told(t, a)
	told(t, b)
	if h, _ := knows(t, b, address(3), began); h.Sessions != 2 {
		t.Errorf("%+v", h)
	}
	if n, err := a.View().Forget(netip.MustParsePrefix("203.0.0.0/24")); n < 10 || err != nil {
		t.Error(n, err)
	}
	if on := b.View().Campaigns(began.Add(time.Minute), 10); len(on) != 1 || on[0].Template != 77 {
		t.Errorf("%+v", on)
	}
	if a.Degraded() || b.Degraded() || a.meter.count("ok") != 62 || b.meter.count("ok") != 62 {
		t.Error(a.meter, b.meter, a.logs, b.logs)
	}
	for _, s := range nodes {
		if s.admin.DBSize(context.Background()).Val() > 0 {
			s.kill()
			for n := range 5 {
				use(a, n)
			}
			alone(t, a, "dead node")
			s.start()
		}
	}
	again(t, a, 30*time.Second)
}

// TestSentinel: the primary dies, and the hosts follow to the new one with what they
// know.
func TestSentinel(t *testing.T) {
	primary := start(t, "--repl-diskless-sync-delay", "0")
	replica := start(t, "--replicaof", "127.0.0.1 "+primary.port)
	ctx := context.Background()
	eventually(t, 20*time.Second, "the replica is in step", func() bool {
		return strings.Contains(replica.admin.Info(ctx, "replication").Val(), "master_link_status:up")
	})
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	port := freePort(t)
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor mail 127.0.0.1 %s 1\nsentinel down-after-milliseconds mail 500\n"+
		"sentinel failover-timeout mail 5000\n", port, primary.port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(), conf, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	sentinel := func(args ...string) string {
		out, _ := exec.Command("redis-cli", append([]string{"-p", port}, args...)...).CombinedOutput()
		return string(out)
	}
	eventually(t, 30*time.Second, "the sentinel knows the replica", func() bool {
		return strings.Contains(sentinel("SENTINEL", "REPLICAS", "mail"), replica.port)
	})
	h := open(t, "redis-sentinel://127.0.0.1:"+port+"?master_name=mail", quick)
	for range 3 {
		h.Take(began, draws(h, "x"))
	}
	if h.Degraded() || primary.admin.DBSize(ctx).Val() == 0 {
		t.Fatal(h.meter, h.logs)
	}
	eventually(t, 20*time.Second, "the replica has what was taken", func() bool {
		return offset(replica, "slave_repl_offset") >= offset(primary, "master_repl_offset")
	})
	primary.kill()
	for n := range 5 {
		use(h, n)
	}
	if !h.Degraded() {
		t.Error(h.meter)
	}
	again(t, h, 60*time.Second)
	if empty, _ := h.Take(began, draws(h, "x")); empty != 0 || h.Degraded() {
		t.Error("the new primary does not know what was taken: ", empty, h.logs)
	}
}

// offset is how far into the stream of writes a server says it is (INFO replication).
// WAIT would not do: it waits only for what its own connection has written.
func offset(s *server, field string) int {
	_, rest, _ := strings.Cut(s.admin.Info(context.Background(), "replication").Val(), field+":")
	n, _ := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
	return n
}

func BenchmarkCall(b *testing.B) {
	s := start(b)
	h := open(b, s.url())
	at := time.Now()
	rate := state.Rate{Count: 1000, Per: time.Millisecond, Burst: 1000}
	one := []state.Draw{{Item: item(h, "n", "x"), Rate: rate}}
	four := []state.Draw{one[0], one[0], one[0], one[0]}
	for i := range four {
		four[i].Item = item(h, "n", fmt.Sprint(i))
	}
	it := item(h, "n", "h")
	for name, f := range map[string]func(s decider.State, i int){
		"retried":   func(s decider.State, i int) { s.Retried(state.Attempt{Item: it}, at, delay, keep) },
		"take-1":    func(s decider.State, i int) { s.Take(at, one) },
		"take-4":    func(s decider.State, i int) { s.Take(at, four) },
		"available": func(s decider.State, i int) { s.Available(at, one) },
		"habit":     func(s decider.State, i int) { habitOf(s, it, at) },
		"seen": func(s decider.State, i int) {
			seen(s, state.Sighting{Template: 1, Network: state.Key(i % 200), ASN: uint32(i % 50), At: at}, ruleOf25)
		},
		"seen-undeclared": func(s decider.State, i int) {
			seen(s, state.Sighting{Template: 2, Network: state.Key(i % 90), ASN: uint32(i % 2), At: at}, ruleOf25)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				f(h, i)
			}
		})
	}
	b.Run("take-1-parallel", func(b *testing.B) {
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				h.Take(at, one)
			}
		})
	})
	s.kill()
	for n := range 3 {
		use(h, n)
	}
	b.Run("down", func(b *testing.B) {
		for b.Loop() {
			h.Available(at, one)
		}
	})
}
