package milter

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	gomilter "github.com/emersion/go-milter"
)

// fragile panics at a frame that the edge takes itself.
type fragile struct{ *session }

func (fragile) header([]byte) { panic("test") }

// A panic while the edge reads ends that session like a lost connection, is
// counted, and never reaches the library's own log.
func TestPanicWhileReading(t *testing.T) {
	counter := &panicCounter{}
	var log bytes.Buffer
	s := New(Options{Meter: counter, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now,
		Limits: Limits{Sessions: 1, Idle: time.Second, Frame: time.Second}})
	mta, filter := net.Pipe()
	sess := &session{server: s, done: func() {}}
	e := newEdge(filter, s.opts.Limits, fragile{sess})
	sess.edge, e.negotiated = e, true
	go mta.Write(append([]byte{0, 0, 0, 3}, byte(gomilter.CodeHeader), 'a', 0))
	if n, err := e.Read(make([]byte, 8)); n != 0 || err != io.EOF {
		t.Errorf("%d bytes, %v; want io.EOF", n, err)
	}
	if counter.n != 1 || !strings.Contains(log.String(), "stage=header") {
		t.Errorf("%d panics counted; %s", counter.n, &log)
	}
	if bytes.Contains(e.out, []byte{byte(gomilter.ActReject)}) {
		t.Error("a refusal was written")
	}
	e.Close()
}
