package milter_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// The frames of one message of 20 headers on an open connection, as Postfix sends
// them, in the pieces after which it waits for an answer.
func warmMessage() [][]byte {
	var pieces [][]byte
	var piece []byte
	add := func(frames ...mtascript.Frame) {
		for _, f := range frames {
			piece = f.Append(piece)
		}
	}
	wait := func() { pieces = append(pieces, piece); piece = nil }
	add(mtascript.Macro(mtascript.CmdMail, "{mail_addr}", "a@example.org"), mtascript.Mail("<a@example.org>"),
		mtascript.Macro(mtascript.CmdRcpt, "{rcpt_addr}", "u@example.test"), mtascript.Rcpt("<u@example.test>"))
	wait()
	for _, h := range mail("", "").Headers {
		add(mtascript.Macro(mtascript.CmdHeader, "i", "4F2A1"), mtascript.HeaderField(h.Name, h.Value))
	}
	for i := range 15 {
		add(mtascript.Macro(mtascript.CmdHeader, "i", "4F2A1"), mtascript.HeaderField(fmt.Sprintf("X-Field-%d", i), "some value of a usual length"))
	}
	add(mtascript.EOH(), mtascript.Macro(mtascript.CmdEOM, "i", "4F2A1"), mtascript.EOM())
	wait()
	add(mtascript.Abort())
	pieces[0] = append(append([]byte{}, piece...), pieces[0]...) // Postfix aborts after each end
	return pieces
}

// talk sends the pieces of a message and reads until the answer to each.
func talk(b testing.TB, conn net.Conn, r *bufio.Reader, pieces [][]byte) {
	for _, piece := range pieces {
		if _, err := conn.Write(piece); err != nil {
			b.Fatal(err)
		}
		for {
			head, err := r.Peek(5)
			if err != nil {
				b.Fatal(err)
			}
			n, code := int(head[2])<<8|int(head[3]), head[4]
			if _, err := r.Discard(4 + n); err != nil {
				b.Fatal(err)
			}
			if code == mtascript.ReplyContinue {
				break
			}
		}
	}
}

func open(b *testing.B, path string) (net.Conn, *bufio.Reader) { return openAs(b, path, server) }

func openAs(b testing.TB, path string, c mtascript.Client) (net.Conn, *bufio.Reader) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	r := bufio.NewReader(conn)
	conn.Write(mtascript.OptNeg(mtascript.FullOffer()).Bytes())
	f, err := mtascript.ReadFrame(r)
	if err != nil || f.Code != mtascript.CmdOptNeg {
		b.Fatal(f, err)
	}
	conn.Write(mtascript.Macro(mtascript.CmdConnect, "j", "mx.example.test", "{client_resolve}", "OK", "{client_name}", c.Host, "v", "Postfix").Bytes())
	conn.Write(mtascript.Connect(c.Host, '4', 4000, c.Addr).Bytes())
	conn.Write(mtascript.Helo(c.Host).Bytes())
	return conn, r
}

// BenchmarkMessage is a warm message through the whole filter: frames, signals,
// class, verdict, header. The log line goes nowhere.
func BenchmarkMessage(b *testing.B) {
	f := start(b, options{})
	conn, r := open(b, f.path)
	defer conn.Close()
	pieces := warmMessage()
	talk(b, conn, r, pieces)
	b.ReportAllocs()
	for b.Loop() {
		talk(b, conn, r, pieces)
	}
}

// nothing is a filter that does nothing, with the same no-reply bits: the
// library's own share.
type nothing struct{ gomilter.NoOpMilter }

func (nothing) Header(string, string, *gomilter.Modifier) (gomilter.Response, error) { return nil, nil }
func (nothing) Body(*gomilter.Modifier) (gomilter.Response, error) {
	return gomilter.NewResponse('c', nil), nil
}

// BenchmarkDoNothing is the same message through the library alone, with
// no-reply for headers only (it answers the other stages).
func BenchmarkDoNothing(b *testing.B) {
	path := b.TempDir() + "/m.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	s := gomilter.Server{
		NewMilter: func() gomilter.Milter { return nothing{} },
		Actions:   gomilter.OptAddHeader, Protocol: gomilter.OptNoHeaderReply | gomilter.OptNoBody,
	}
	go s.Serve(l)
	defer s.Close()
	conn, r := open(b, path)
	defer conn.Close()
	answer := func(n int) {
		for range n {
			if _, err := io.ReadFull(r, make([]byte, 5)); err != nil {
				b.Fatal(err)
			}
		}
	}
	answer(2) // CONNECT and HELO
	pieces := warmMessage()
	b.ReportAllocs()
	for b.Loop() {
		for _, piece := range pieces {
			conn.Write(piece)
			answer(2) // MAIL and RCPT; EOH and EOM
		}
	}
}
