package main

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// script has three messages, so that an answer out of step is seen.
func script(mta mtascript.MTA) mtascript.Session {
	m := mtascript.Message{From: "a@example.net", Rcpts: []string{"b@example.test", "c@example.test"},
		Headers: []mtascript.Header{{Name: "Subject", Value: "x"}, {Name: "X-Empty", Value: ""}}, Body: []byte("text\n")}
	return mtascript.Session{MTA: mta, Client: mtascript.Client{Host: "mail.example.net", Addr: "192.0.2.1"},
		Helo: "mail.example.net", Messages: []mtascript.Message{m, m, m}}
}

// play runs a session with a filter of the form.
func play(t *testing.T, edge bool, s mtascript.Session) *mtascript.Transcript {
	t.Helper()
	l, err := listen(filepath.Join(t.TempDir(), "m.sock"))
	if err != nil {
		t.Fatal(err)
	}
	go serve(l, edge)
	defer l.Close()
	nc, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := mtascript.New(nc)
	c.Settle = 5 * time.Millisecond
	got, err := s.Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestBothFormsAgreeAndAddOneHeader(t *testing.T) {
	for _, mta := range []mtascript.MTA{mtascript.Postfix, mtascript.Sendmail} {
		edge, plain := play(t, true, script(mta)), play(t, false, script(mta))
		if edge.Agreement.Protocol != plain.Agreement.Protocol || len(edge.Agreement.Macros) != len(plain.Agreement.Macros) {
			t.Errorf("%v: %+v with the edge, %+v without", mta, edge.Agreement, plain.Agreement)
		}
		for _, got := range []*mtascript.Transcript{edge, plain} {
			for i, m := range got.Messages {
				if edits := m.Final.Edits; !m.Delivered || len(edits) != 1 || edits[0].Name != headerName {
					t.Errorf("%v, message %d: %+v", mta, i, m)
				}
			}
		}
	}
}
