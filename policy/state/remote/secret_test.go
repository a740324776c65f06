package remote_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy/state"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// learning notes what a host learns of the secret.
type learning struct{ secrets chan [16]byte }

func (l learning) option(known [16]byte) func(*remote.Options) {
	return func(o *remote.Options) {
		o.Secret, o.Learned = known, func(secret [16]byte) { l.secrets <- secret }
	}
}

// TestKnownSecret: a host that knows the secret of before uses it until the store answers,
// and an empty store gets it.
func TestKnownSecret(t *testing.T) {
	known := [16]byte{1, 2, 3}
	m, err := state.New(state.Options{Entries: 1, Secret: known})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t)
	s.kill()
	l := learning{make(chan [16]byte, 10)}
	h := open(t, s.url(), l.option(known))
	if h.Key("a") != m.Key("a") || h.Hashed(1) != m.Hashed(1) {
		t.Error("another secret is in use")
	}
	s.start()
	again(t, h, 10*time.Second)
	if got := <-l.secrets; got != known || h.Key("a") != m.Key("a") {
		t.Errorf("learned %x", got)
	}
	if other := open(t, s.url()); other.Key("a") != m.Key("a") {
		t.Error("the store has another secret")
	}
	if len(l.secrets) > 0 || strings.Contains(h.logs.String(), "secret") {
		t.Error("said more than once: ", h.logs)
	}
}

// TestOtherSecret: the store's wins, and that is said once.
func TestOtherSecret(t *testing.T) {
	s := start(t)
	s.kill()
	l := learning{make(chan [16]byte, 10)}
	h := open(t, s.url(), l.option([16]byte{9}))
	before := h.Key("a")
	s.start()
	const theirs = "000102030405060708090a0b0c0d0e0f"
	s.do("SET", "iot-milter:secret", theirs) // within the second that the host waits
	again(t, h, 10*time.Second)
	if got := fmt.Sprintf("%x", <-l.secrets); got != theirs || h.Key("a") == before || h.Key("a") != open(t, s.url()).Key("a") {
		t.Errorf("learned %s", got)
	}
	if n := strings.Count(h.logs.String(), "another secret"); n != 1 || strings.Contains(h.logs.String(), theirs) {
		t.Error(h.logs)
	}
}

// TestFlushed: when somebody empties the store, hosts still agree about the secret.
func TestFlushed(t *testing.T) {
	s := start(t)
	a := open(t, s.url())
	key := a.Key("a")
	s.kill()
	for n := range 3 {
		use(a, n)
	}
	s.start() // empty: nothing is saved
	again(t, a, 10*time.Second)
	if b := open(t, s.url()); b.Key("a") != key || a.Key("a") != key {
		t.Error("an empty store gave another secret")
	}
}
