package mtascript

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrFrame is a length field of 0 or above MaxFrame.
var ErrFrame = errors.New("milter frame length out of range")

// Frame is one unit of the protocol: a 4-byte big-endian length that counts the
// code, the code, the payload. The zero value is no valid frame. Frames are
// values; whoever holds one owns its payload.
type Frame struct {
	Code    byte
	Payload []byte
}

// Append adds the frame's wire form to dst. It does not check the length.
func (f Frame) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f.Payload)+1))
	dst = append(dst, f.Code)
	return append(dst, f.Payload...)
}

// Bytes is the frame's wire form.
func (f Frame) Bytes() []byte {
	return f.Append(make([]byte, 0, 5+len(f.Payload)))
}

// String shows the code and at most 120 quoted bytes of payload.
func (f Frame) String() string {
	const limit = 120
	if len(f.Payload) > limit {
		return fmt.Sprintf("%c%q… (%d bytes)", f.Code, f.Payload[:limit], len(f.Payload))
	}
	return fmt.Sprintf("%c%q", f.Code, f.Payload)
}

// ReadFrame reads one frame from r. At a clean end of the stream the error is
// io.EOF, within a frame io.ErrUnexpectedEOF, and ErrFrame for a bad length,
// for which nothing is allocated.
func ReadFrame(r io.Reader) (Frame, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > MaxFrame {
		return Frame{}, fmt.Errorf("%w: %d", ErrFrame, n)
	}
	buf := make([]byte, n)
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	return Frame{Code: buf[0], Payload: buf[1:]}, nil
}

// OptNeg offers version, actions and protocol bits.
func OptNeg(o Offer) Frame {
	p := binary.BigEndian.AppendUint32(nil, o.Version)
	p = binary.BigEndian.AppendUint32(p, o.Actions)
	p = binary.BigEndian.AppendUint32(p, o.Protocol)
	return Frame{CmdOptNeg, p}
}

// Macro names values for the event of the given code: name, value, name, value.
// Postfix sends one without pairs where it has nothing to tell.
func Macro(event byte, pairs ...string) Frame {
	return Frame{CmdMacro, append([]byte{event}, cstrings(pairs...)...)}
}

// Connect names the SMTP client. For FamilyUnknown port and address are left
// out; both MTAs write an IPv6 address, Sendmail with "IPv6:" before it.
func Connect(host string, family byte, port uint16, addr string) Frame {
	p := append(cstrings(host), family)
	if family != FamilyUnknown {
		p = binary.BigEndian.AppendUint16(p, port)
		p = append(p, cstrings(addr)...)
	}
	return Frame{CmdConnect, p}
}

// Helo carries the argument of HELO or EHLO.
func Helo(name string) Frame { return Frame{CmdHelo, cstrings(name)} }

// Mail carries the sender as on the wire, "<>" or "<user@example.org>", and the
// ESMTP arguments, one string each.
func Mail(addr string, args ...string) Frame {
	return Frame{CmdMail, append(cstrings(addr), cstrings(args...)...)}
}

// Rcpt carries a recipient like Mail the sender.
func Rcpt(addr string, args ...string) Frame {
	return Frame{CmdRcpt, append(cstrings(addr), cstrings(args...)...)}
}

// Data announces the DATA command. Only versions above 3 know it.
func Data() Frame { return Frame{Code: CmdData} }

// HeaderField carries one field; a folded value keeps its line feeds without
// carriage returns, and lacks the blank after the colon unless
// ProtoHeaderLeadSpace is agreed.
func HeaderField(name, value string) Frame { return Frame{CmdHeader, cstrings(name, value)} }

// EOH marks the end of the header.
func EOH() Frame { return Frame{Code: CmdEOH} }

// Body carries a chunk of at most BodyChunk bytes with CRLF line ends.
func Body(chunk []byte) Frame { return Frame{CmdBody, chunk} }

// EOM marks the end of the message.
func EOM() Frame { return Frame{Code: CmdEOM} }

// Abort ends a message without a reply.
func Abort() Frame { return Frame{Code: CmdAbort} }

// Quit ends the session; the filter closes the socket.
func Quit() Frame { return Frame{Code: CmdQuit} }

// QuitNC ends the session and keeps the socket for the next CONNECT. Neither
// MTA sends it; libmilter takes it.
func QuitNC() Frame { return Frame{Code: CmdQuitNC} }

// Unknown carries an SMTP command line that the MTA does not know. Only versions
// above 2 get it.
func Unknown(line string) Frame { return Frame{CmdUnknown, cstrings(line)} }

func cstrings(ss ...string) []byte {
	n := 0
	for _, s := range ss {
		n += len(s) + 1
	}
	b := make([]byte, 0, n)
	for _, s := range ss {
		b = append(append(b, s...), 0)
	}
	return b
}
