package mtascript

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func TestEncodings(t *testing.T) {
	cases := []struct {
		f    Frame
		want string
	}{
		{Helo("mx"), "\x00\x00\x00\x04Hmx\x00"},
		{Connect("h", FamilyInet, 258, "192.0.2.1"), "\x00\x00\x00\x10Ch\x004\x01\x02192.0.2.1\x00"},
		{Connect("localhost", FamilyUnknown, 25, "x"), "\x00\x00\x00\x0cClocalhost\x00U"},
		{Mail("<>", "SIZE=1", "BODY=8BITMIME"), "\x00\x00\x00\x19M<>\x00SIZE=1\x00BODY=8BITMIME\x00"},
		{Rcpt("<a@b>"), "\x00\x00\x00\x07R<a@b>\x00"},
		{Macro(CmdMail, "i", "1"), "\x00\x00\x00\x06DMi\x001\x00"},
		{Macro(CmdHelo), "\x00\x00\x00\x02DH"},
		{HeaderField("A", "b\n c"), "\x00\x00\x00\x08LA\x00b\n c\x00"},
		{Data(), "\x00\x00\x00\x01T"},
		{EOH(), "\x00\x00\x00\x01N"},
		{Body([]byte("x")), "\x00\x00\x00\x02Bx"},
		{EOM(), "\x00\x00\x00\x01E"},
		{Abort(), "\x00\x00\x00\x01A"},
		{Quit(), "\x00\x00\x00\x01Q"},
		{QuitNC(), "\x00\x00\x00\x01K"},
		{Unknown("FOO"), "\x00\x00\x00\x05UFOO\x00"},
		{OptNeg(Offer{6, 1, 2}), "\x00\x00\x00\x0dO\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00\x00\x02"},
	}
	for _, tc := range cases {
		if got := string(tc.f.Bytes()); got != tc.want {
			t.Errorf("%v\n got %q\nwant %q", tc.f, got, tc.want)
		}
		back, err := ReadFrame(strings.NewReader(tc.want))
		if err != nil || back.String() != tc.f.String() {
			t.Errorf("read back %v, %v", back, err)
		}
	}
}

func TestReadFrameBounds(t *testing.T) {
	for _, n := range []uint32{0, MaxFrame + 1, 1 << 31} {
		_, err := ReadFrame(bytes.NewReader(WithLength(n, Data())))
		wantError(t, err, ErrFrame)
	}
	_, err := ReadFrame(strings.NewReader("\x00\x00\x00\x02T"))
	wantError(t, err, io.ErrUnexpectedEOF)
	_, err = ReadFrame(strings.NewReader(""))
	wantError(t, err, io.EOF)
}

func TestNegotiateRefuses(t *testing.T) {
	list := func(offer Offer, p ...byte) Frame {
		f := OptNeg(offer)
		f.Payload = append(f.Payload, p...)
		return f
	}
	v6 := Offer{6, AllActions &^ ActSetSymList, AllProtocol}
	cases := map[string]struct {
		offer  Offer
		answer Frame
	}{
		"another frame":     {v6, Frame{Code: ReplyContinue}},
		"short":             {v6, Frame{CmdOptNeg, make([]byte, 11)}},
		"version above":     {Offer{2, 0, 0}, OptNeg(Offer{6, 0, 0})},
		"version 1":         {v6, OptNeg(Offer{1, 0, 0})},
		"actions":           {Offer{6, ActAddHeaders, 0}, OptNeg(Offer{6, ActChgHeaders, 0})},
		"protocol":          {Offer{6, 0, ProtoNoBody}, OptNeg(Offer{6, 0, ProtoNRHeader})},
		"list not offered":  {v6, list(v6, 0, 0, 0, 0, 'j', 0)},
		"list of stage 7":   {FullOffer(), list(v6, 0, 0, 0, 7, 'j', 0)},
		"list without NUL":  {FullOffer(), list(v6, 0, 0, 0, 1, 'j')},
		"list of no length": {FullOffer(), list(v6, 0, 0)},
	}
	for name, tc := range cases {
		c, _ := startFilter(t, func(int, Frame) []Frame { return []Frame{tc.answer} })
		_, err := c.Negotiate(tc.offer)
		if !errors.Is(err, ErrNegotiate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedReplies(t *testing.T) {
	index := binary.BigEndian.AppendUint32(nil, 1)
	bad := map[string]Frame{
		"continue with payload": {ReplyContinue, []byte("x")},
		"no NUL":                {ReplyCode, []byte("550 5.7.1 x")},
		"two NULs":              {ReplyCode, []byte("550 5.7.1\x00x\x00")},
		"2xx":                   {ReplyCode, cstrings("250 ok")},
		"no text":               {ReplyCode, cstrings("550")},
		"lone percent":          {ReplyCode, cstrings("550 5.7.1 100% no")},
		"line feed":             {ReplyCode, cstrings("550 5.7.1 a\nb")},
		"odd lines":             {ReplyCode, cstrings("550-a\r\n551 b")},
		"unknown":               {'Z', nil},
		"header without value":  {ReplyAddHeader, cstrings("X")},
		"header without name":   {ReplyAddHeader, cstrings("", "v")},
		"header three strings":  {ReplyAddHeader, cstrings("X", "v", "w")},
		"insert too short":      {ReplyInsHeader, []byte{0}},
		"change without NUL":    {ReplyChgHeader, append(index, "X\x00v"...)},
		"recipient empty":       {ReplyAddRcpt, cstrings("")},
	}
	for name, f := range bad {
		c, _ := startFilter(t, agree(6, AllActions, 0, map[byte][]Frame{CmdEOM: {f}}))
		if _, err := c.Negotiate(FullOffer()); err != nil {
			t.Fatal(err)
		}
		if r, err := c.Event(EOM()); !errors.Is(err, ErrReply) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	c, _ := startFilter(t, agree(6, 0, 0, map[byte][]Frame{CmdEOM: {{ReplyCode, cstrings("550-5.7.1 a\r\n550 5.7.1 b")}}}))
	if r, err := c.Event(EOM()); err != nil || r.Text != "550-5.7.1 a\r\n550 5.7.1 b" {
		t.Errorf("two lines: %+v, %v", r, err)
	}
}

func TestCoalescedWrites(t *testing.T) {
	for _, mta := range []MTA{Postfix, Sendmail} {
		a, b := net.Pipe()
		defer b.Close()
		writes := make(chan int, 1)
		go func() {
			// net.Pipe gives one Read per Write as long as the buffer is large.
			n, buf := 0, make([]byte, MaxFrame)
			answer := agree(6, 0, ProtoNRConnect|ProtoNRHelo|ProtoNRMail|ProtoNRHeader|ProtoNREOH|ProtoNRBody, nil)
			for {
				k, err := b.Read(buf)
				if err != nil {
					writes <- n
					return
				}
				n++
				for r := bytes.NewReader(buf[:k]); r.Len() > 0; {
					f, err := ReadFrame(r)
					if err != nil {
						panic(err)
					}
					if f.Code == CmdQuit {
						b.Close()
						continue
					}
					for _, f := range answer(0, f) {
						if _, err := b.Write(f.Bytes()); err != nil {
							panic(err)
						}
					}
				}
			}
		}()
		mustRun(t, with(mta, nil), New(a))
		// Postfix: OPTNEG; all to the first RCPT; the second; DATA; all to EOM; rest.
		want := 6
		if mta == Sendmail {
			want = 19
		}
		if got := <-writes; got != want {
			t.Errorf("%v: %d writes, want %d", mta, got, want)
		}
	}
}

func TestDrip(t *testing.T) {
	c, srv := startFilter(t, agree(6, 0, 0, nil))
	c.Drip = time.Microsecond
	mustRun(t, with(Postfix, nil), c)
	if !strings.HasSuffix(srv.codes(), "EAAQ") {
		t.Error(srv.codes())
	}
}

func TestFaults(t *testing.T) {
	kinds := []FaultKind{FaultHalf, FaultStall, FaultReset, FaultResetAfter, FaultZero, FaultOversize, FaultBig, FaultNUL}
	for _, kind := range kinds {
		for _, at := range []byte{CmdOptNeg, CmdMacro, CmdConnect, CmdMail, CmdHeader, CmdEOM, CmdAbort} {
			s := with(Postfix, func(s *Session) {
				s.Fault = &Fault{Kind: kind, At: at, Limit: 30 * time.Millisecond}
				if at == CmdOptNeg || at == CmdConnect || at == CmdMacro {
					s.Fault.Message = -1
				}
			})
			c, _ := startFilter(t, agree(6, 0, 0, nil))
			_, err := s.Run(c)
			// This filter has no deadline: it closes for bad frames only.
			switch kind {
			case FaultStall, FaultBig, FaultNUL:
				wantError(t, err, ErrStalled)
			default:
				if err != nil {
					t.Errorf("kind %d at %s: %v", kind, StageName(at), err)
				}
			}
		}
	}
}

func TestQuiet(t *testing.T) {
	c, _ := startFilter(t, func(n int, _ Frame) []Frame {
		if n == 0 {
			return nil
		}
		return []Frame{{Code: ReplyContinue}}
	})
	c.Queue(Abort())
	if err := c.Quiet(20 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	c.Queue(Abort())
	wantError(t, c.Quiet(5*time.Second), ErrOutOfStep)
}
