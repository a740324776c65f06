//go:build integration

package integration

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/integration/sink"
)

// mta is one running mail server with a store of its own. The mutex is held by
// the case that uses it.
type mta struct {
	sync.Mutex
	name   string
	script string
	dir    string
	addrs  []string
	env    []string
	state  map[string]string
	sink   *sink.Sink
	store  int // port of another store than the sink, or 0

	once sync.Once
	err  error
}

// The mail servers are started by the first case that needs them and end with
// the namespaces.
var (
	postfix = &mta{name: "postfix", script: "mta/postfix.sh", addrs: []string{postfixAddr, postfixAddr6},
		env: []string{"MTA_HOST=mx.example.test", "MTA_HUB=hub.example.test=" + hubAddr + ":25"}}
	hub = &mta{name: "hub", script: "mta/postfix.sh", addrs: []string{hubAddr},
		env: []string{"MTA_HOST=hub.example.test", "MTA_DOMAIN=hub.example.test"}}
	sendmail = &mta{name: "sendmail", script: "mta/sendmail.sh", addrs: []string{sendAddr, sendAddr6},
		env: []string{"MTA_HOST=sm.example.test"}}
)

// start makes sure that the server runs.
func (m *mta) start(t *testing.T) {
	t.Helper()
	m.once.Do(func() { m.err = m.launch() })
	if m.err != nil {
		t.Fatal(m.err)
	}
}

func (m *mta) launch() error {
	m.dir = "/srv/" + m.name
	if err := os.MkdirAll(m.dir+"/run", 0o755); err != nil {
		return err
	}
	err := os.Chown(m.dir+"/run", nobody, nobody)
	if err != nil {
		return err
	}
	if m.sink, err = sink.Listen(sink.Options{Addr: "127.0.0.1:0", LMTP: true}); err != nil {
		return err
	}
	store := m.sink.Port()
	if m.store != 0 {
		store = m.store
	}
	m.env = append(m.env, "MTA_ADDR="+strings.Join(m.addrs, " "), "MTA_PORT=25", "MTA_SUBMIT=587",
		fmt.Sprintf("MTA_SINK=%d", store), "MTA_AUTH="+saslSocket, "MTA_MILTER="+m.socket())
	if m == postfix {
		filter, err := sink.Listen(sink.Options{Addr: "127.0.0.1:0", Forward: m.reinject})
		if err != nil {
			return err
		}
		m.env = append(m.env, fmt.Sprintf("MTA_FILTER=%d", filter.Port()))
	}
	cmd := exec.Command(m.script, "start", m.dir)
	cmd.Env = append(os.Environ(), m.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %s", m.script, out)
	}
	m.state = words(strings.ReplaceAll(string(out), "\n", " "))
	return nil
}

// socket is where the milter listens for this server.
func (m *mta) socket() string { return "/srv/" + m.name + "/run/milter.sock" }

// listener is where a case's clients connect to.
func (m *mta) listener(which string, v6 bool) string {
	addr := m.addrs[0]
	if v6 {
		addr = "[" + m.addrs[1] + "]"
	}
	key := map[string]string{"": "port", "smtp": "port", "submission": "submit_port", "filter": "filter_port", "proxy": "proxy_port"}[which]
	return addr + ":" + m.state[key]
}

// tags are what cases may require, by the script's own word.
func (m *mta) tags() (map[string]bool, error) {
	out, err := exec.Command(m.script, "tags").Output()
	tags := map[string]bool{}
	for _, tag := range strings.Fields(string(out)) {
		tags[tag] = true
	}
	return tags, err
}

// queued counts the messages in the queue, and those in quarantine.
func (m *mta) queued() (waiting, held int) {
	_ = filepath.WalkDir(m.dir+"/queue", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		name := filepath.Base(path)
		switch kind := strings.TrimPrefix(path, m.dir+"/queue/"); {
		case strings.HasPrefix(kind, "hold/"), strings.HasPrefix(name, "hf"):
			held++
		case strings.HasPrefix(kind, "incoming/"), strings.HasPrefix(kind, "active/"),
			strings.HasPrefix(kind, "deferred/"), strings.HasPrefix(name, "qf"):
			waiting++
		}
		return nil
	})
	return waiting, held
}

// settle waits until nothing waits in the queue and says what is held.
func (m *mta) settle(t *testing.T) (held int) {
	t.Helper()
	waiting := 0
	for range 100 {
		if waiting, held = m.queued(); waiting == 0 {
			return held
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s: %d messages wait in the queue", m.name, waiting)
	return held
}

// clear empties the queue and the store for the next case.
func (m *mta) clear() {
	m.sink.Reset()
	patterns := []string{"hold/*", "deferred/*/*", "?f*"}
	for _, p := range patterns {
		files, _ := filepath.Glob(m.dir + "/queue/" + p)
		for _, f := range files {
			_ = os.Remove(f)
		}
	}
}

// log is what the server wrote, for a test that failed.
func (m *mta) log() string {
	for _, name := range []string{"mail.log", "trace.log"} {
		if b, err := os.ReadFile(m.dir + "/" + name); err == nil {
			return string(b)
		}
	}
	return ""
}

// family is the kind of MTA, as lines of cases name it.
func (m *mta) family() string {
	if m == sendmail {
		return "sendmail"
	}
	return "postfix"
}

// host is the server's own name.
func (m *mta) host() string { return m.env[0][len("MTA_HOST="):] }
