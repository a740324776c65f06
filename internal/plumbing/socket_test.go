package plumbing

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/conf"
)

// peer listens on a socket and says one thing to whoever connects, after the first bytes.
func peer(t *testing.T, says string) string {
	path := filepath.Join(openDir(t), "m.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 17))
			io.WriteString(conn, says)
			conn.Close()
		}
	}()
	return path
}

func TestGreetTellsWhoAnswers(t *testing.T) {
	const answer = "O\x00\x00\x00\x06\x00\x00\x00\x11\x00\x00\x00\x00"
	for _, c := range []struct{ says, want string }{
		{"", "no answer"},
		{"220 mx.example.org ESMTP\r\n", "no milter"},
		{"HTTP/1.1 200 OK\r\n\r\n", "no milter"},
		{"\x00\x00\x00\x0dX" + answer[1:], "no milter"},
		{"\x00\x00\x00\x0dO\x00", "half an answer"},
		{"\x00\x00\x00\x0d" + answer, "another milter"},
		{"\x00\x00\x00\x20" + answer + "\x00\x00\x00\x00j {client_ptr}\x00", ""},
	} {
		err := greet("unix", peer(t, c.says), []string{"{client_ptr}"})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, wanted %q", c.says, err, c.want)
		}
	}
}

// A socket that a killed process left is told from one that nobody has made.
func TestWay(t *testing.T) {
	stale := filepath.Join(openDir(t), "stale.sock")
	l, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	file := filepath.Join(openDir(t), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		stale:                          "stale-socket",
		file:                           "socket-missing",
		filepath.Dir(stale) + "/none":  "socket-missing",
		filepath.Dir(stale) + "/no/no": "socket-missing",
		peer(t, "who is there?"):       "no-answer",
	} {
		r := &Report{}
		r.way(path, identity{name: "root"}, func(string, bool) []Fix { return nil })
		if len(r.Findings) != 1 || r.Findings[0].Check != want {
			t.Errorf("%s: %+v, wanted %s", path, r.Findings, want)
		}
	}
}

// Each folder on the way needs x, the socket w, for the user, the group or all others.
func TestReach(t *testing.T) {
	path := peer(t, "")
	dir := filepath.Dir(path)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	gid := int(st.Sys().(*syscall.Stat_t).Gid)
	for _, c := range []struct {
		dir, socket fs.FileMode
		who         identity
		blocked     string
	}{
		{0o755, 0o666, identity{uid: 60001, groups: []int{60001}}, ""},
		{0o750, 0o666, identity{uid: 60001, groups: []int{60001}}, dir},
		{0o750, 0o660, identity{uid: 60001, groups: []int{60001, gid}}, ""},
		{0o750, 0o640, identity{uid: 60001, groups: []int{gid}}, path},
		{0o755, 0o660, identity{uid: 60001, groups: []int{60001}}, path},
		{0o705, 0o606, identity{uid: 60001, groups: []int{gid}}, dir}, // the group's bits hold, not the others'
		{0o700, 0o600, identity{}, ""},
	} {
		if os.Getuid() != 0 && c.who.uid == 0 {
			continue
		}
		os.Chmod(dir, c.dir)
		os.Chmod(path, c.socket)
		got := ""
		if b := reach(path, c.who); b != nil {
			got = b.path
		}
		if got != c.blocked {
			t.Errorf("%o %o %+v: blocked by %q, wanted %q", c.dir, c.socket, c.who, got, c.blocked)
		}
	}
}

func TestSELinuxLabels(t *testing.T) {
	for label, fine := range map[string]bool{
		"system_u:object_r:postfix_var_run_t:s0":      true,
		"system_u:object_r:spamass_milter_data_t:s0":  true,
		"system_u:object_r:var_run_t:s0":              false,
		"unconfined_u:object_r:default_t:s0:c0.c1023": false,
		"": false,
	} {
		r := &Report{}
		r.selinux("/run/iot-milter/iot-milter.sock", label, nil)
		if (len(r.Findings) == 0) != fine {
			t.Errorf("%q: %+v", label, r.Findings)
		}
	}
	r := &Report{}
	if r.selinux("/run/x", "", errors.New("no data")); len(r.Findings) != 1 {
		t.Error("a socket without a label is taken for a good one")
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{"2": 2 * time.Second, "2s": 2 * time.Second, "5m": 5 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour} {
		if got, ok := seconds(text, time.Second); got != want || !ok {
			t.Errorf("%s is %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "s", "1ms", "x", "1.5s", "-"} {
		if got, ok := seconds(text, time.Second); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}

// Different spellings of one socket, and of different ones.
func TestEndpoints(t *testing.T) {
	s := &sendmail{sockets: []conf.Listen{{Network: "unix", Address: "/run/iot-milter/m.sock"}, {Network: "tcp4", Address: "localhost:8899"}}}
	for text, want := range map[string]bool{
		"local:/run/iot-milter/m.sock": true, "unix:/run/iot-milter/../iot-milter/m.sock": true, "/run/iot-milter/m.sock": true,
		"inet:8899@127.0.0.1": true, "inet:localhost:8899": true, "inet6:8899@[::1]": true,
		"inet:8899@192.0.2.1": false, "inet:8891@localhost": false, "unix:/run/m.sock": false, "": false, "inet:": false, "inet:nonsense": false,
	} {
		if got := s.reaches(entry{endpoint: text}); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// What postconf says is bounded.
func TestBounded(t *testing.T) {
	b := bounded{most: 5}
	if _, err := b.Write([]byte("12345")); err != nil {
		t.Error(err)
	}
	if _, err := b.Write([]byte("6")); err == nil || b.String() != "12345" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

// FuzzFiles: whatever the files of an MTA hold, reading them ends well.
func FuzzFiles(f *testing.F) {
	f.Add("smtp inet n - y - - smtpd\n -o {a = b} -o\n#\n -o x=y\n", "{ unix:a, b=c, { d = e } } inet:1@b }{,", "Xa, S=b\n\tT=C:1s\nO InputMailFilters=a,b", "MAIL_FILTER(`a', `b')dnl")
	f.Fuzz(func(t *testing.T, master, milters, cf, mc string) {
		parseMaster(master, true)
		config := conf.Default()
		o := &Options{Config: &config, Root: "/nonexistent"}
		list := parseMilters(milters)
		o.merge(list, func(e entry) bool { return len(e.text)%3 == 0 }, entry{})
		s := &sendmail{Report: &Report{}, o: o, lines: map[string]int{}, options: map[string]string{}, sockets: o.Config.Listen}
		s.readCF(cf)
		s.readMC(mc)
		s.filterLine()
		s.listLine()
		uncovered(milters, nil)
	})
}
