package mtascript

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// buildLibmilter compiles the filter of testdata once, or skips, which in CI is
// a failure: without it only our own reading of the protocol is tested.
var buildLibmilter = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mtascript")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "filter")
	out, err := exec.Command("cc", "-o", bin, "testdata/filter.c", "-lmilter", "-lpthread").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return bin, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, _ := buildLibmilter(); bin != "" {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// until waits for the line that ends a session and returns all of it.
func (s *syncBuffer) until(t *testing.T, last string) string {
	t.Helper()
	for range 500 {
		s.mu.Lock()
		text := s.b.String()
		s.mu.Unlock()
		if strings.HasSuffix(text, last+"\n") {
			return strings.TrimSuffix(text, "\n")
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no %q after %s", last, s.b.String())
	return ""
}

func startLibmilter(t *testing.T, args ...string) (string, *syncBuffer) {
	t.Helper()
	bin, err := buildLibmilter()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("libmilter filter: %v", err)
		}
		t.Skipf("no C compiler or libmilter headers: %v", err)
	}
	sock := filepath.Join(t.TempDir(), "s")
	out := &syncBuffer{}
	cmd := exec.Command(bin, append([]string{"unix:" + sock}, args...)...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 500 {
		if nc, err := net.Dial("unix", sock); err == nil {
			nc.Close()
			out.until(t, "close")
			out.mu.Lock()
			out.b.Reset()
			out.mu.Unlock()
			return sock, out
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("filter did not listen")
	return "", nil
}

func fullMessage() Message {
	return Message{
		From: "a@example.net", MailArgs: []string{"SIZE=10", "BODY=8BITMIME"},
		Rcpts: []string{"b@example.org", "c@example.org"}, RcptArgs: []string{"NOTIFY=NEVER"},
		Headers: []Header{{Name: "X-Old", Value: "1"}, {Name: "Subject", Value: "folded\n here"}, {Name: "X-Old", Value: "2"}},
		Body:    []byte(strings.Repeat("x", 70000)),
	}
}

func TestLibmilterReadsOurFrames(t *testing.T) {
	const message = `mail [<a@example.net>] [SIZE=10] [BODY=8BITMIME] addr=a@example.net
rcpt [<b@example.org>] [NOTIFY=NEVER] addr=b@example.org
rcpt [<c@example.org>] [NOTIFY=NEVER] addr=c@example.org
data
header [X-Old] [1]
header [Subject] [folded| here]
header [X-Old] [2]
eoh
body 65535
body 4465
eom i=%s
`
	for _, mta := range []MTA{Postfix, Sendmail} {
		for _, args := range [][]string{nil, {"-n"}, {"-n", "-l"}} {
			sock, out := startLibmilter(t, args...)
			m := fullMessage()
			m.Unknown = []string{"WIZ now"}
			s := with(mta, func(s *Session) {
				s.Messages = []Message{m, fullMessage()}
				s.StartTLS = map[string]string{"{tls_version}": "TLSv1.3"}
			})
			tr, err := s.Dial("unix", sock)
			if err != nil {
				t.Fatalf("%v %v: %v", mta, args, err)
			}
			id1, id2 := "4F2A1", "4F2A2"
			ptr := "-"
			if len(args) > 1 {
				ptr = "mail.example.net"
			}
			want := fmt.Sprintf("negotiate 0x1ff 0x1fffff\nconnect [mail.example.net] 4 4711 192.0.2.7 j=mx.example.org ptr=%s\n"+
				"helo [mail.example.net] tls=-\nhelo [mail.example.net] tls=TLSv1.3\nunknown [WIZ now]\n", ptr) +
				fmt.Sprintf(message, id1) + fmt.Sprintf(message, id2) + "close"
			if got := out.until(t, "close"); got != want {
				t.Errorf("%v %v\n got %s\nwant %s", mta, args, got, want)
			}
			checkEdits(t, tr.Messages[1].Final)
			if asked := tr.Agreement.Macros != nil; asked != (len(args) > 1) {
				t.Errorf("lists %v", tr.Agreement.Macros)
			}
		}
	}
}

func checkEdits(t *testing.T, r Reply) {
	t.Helper()
	want := []Edit{
		{ReplyChgHeader, 2, "X-Old", ""},
		{ReplyChgHeader, 1, "Subject", "changed"},
		{ReplyInsHeader, 0, "X-Top", "top"},
		{ReplyAddHeader, 0, "X-End", "end"},
		{ReplyAddRcpt, 0, "<d@example.org>", ""},
		{ReplyDelRcpt, 0, "<b@example.org>", ""},
		{ReplyAddRcptPar, 0, "<e@example.org>", "NOTIFY=NEVER"},
		{ReplyChgFrom, 0, "<z@example.net>", ""},
		{ReplyBody, 0, "", "new\r\n"},
		{ReplyQuarantine, 0, "", "held"},
	}
	if !slices.Equal(r.Edits, want) || r.Progress != 1 || r.Kind != Continue {
		t.Errorf("%v, progress %d, edits\n got %+v\nwant %+v", r.Kind, r.Progress, r.Edits, want)
	}
}

func TestLibmilterFamilies(t *testing.T) {
	cases := []struct {
		c    Client
		want string
	}{
		{Client{"h", FamilyInet6, 25, "2001:db8::1"}, "connect [h] 6 25 2001:db8::1"},
		{Client{"h", FamilyInet6, 25, "IPv6:2001:db8::1"}, "connect [h] 6 25 2001:db8::1"},
		{Client{"localhost", FamilyUnix, 0, "/run/s"}, "connect [localhost] L /run/s"},
		{Client{"unknown", FamilyUnknown, 0, ""}, "connect [unknown] none"},
	}
	for _, tc := range cases {
		sock, out := startLibmilter(t)
		if _, err := (Session{Client: tc.c}).Dial("unix", sock); err != nil {
			t.Fatal(err)
		}
		if got := out.until(t, "close"); !strings.Contains(got, tc.want) {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}

func TestLibmilterRefusals(t *testing.T) {
	for _, mta := range []MTA{Postfix, Sendmail} {
		for _, stage := range []string{"connect", "helo", "mail", "rcpt", "header", "eom"} {
			sock, out := startLibmilter(t, "-r", stage)
			tr, err := with(mta, nil).Dial("unix", sock)
			if err != nil {
				t.Fatalf("%v %s: %v", mta, stage, err)
			}
			last := tr.Steps[len(tr.Steps)-1].Reply
			for _, st := range tr.Steps {
				if st.Reply.Kind.Refused() {
					last = st.Reply
				}
			}
			if last.Text != "550 5.7.1 100% refused" {
				t.Errorf("%v %s: %+v", mta, stage, last)
			}
			out.until(t, "close")
		}
	}
}

func TestLibmilterFaults(t *testing.T) {
	for _, kind := range []FaultKind{FaultHalf, FaultReset, FaultResetAfter, FaultOversize} {
		sock, out := startLibmilter(t)
		s := with(Sendmail, func(s *Session) {
			s.Fault = &Fault{Kind: kind, At: CmdEOM, Limit: 5 * time.Second}
		})
		if _, err := s.Dial("unix", sock); err != nil {
			t.Errorf("kind %d: %v", kind, err)
		}
		out.until(t, "close")
	}
}
