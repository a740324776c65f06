package milter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	gomilter "github.com/emersion/go-milter"
)

const (
	// maxFrame is the most that a frame may claim, the library's own limit and
	// above libmilter's (MILTER_MAX_DATA_SIZE, 64 KiB, 1 MiB at the most).
	maxFrame = 1 << 20
	// keepFrame is how much of a frame is kept: Postfix cuts a header at 60,000
	// bytes. The rest of a longer macro or header frame is read and dropped.
	keepFrame = 64 << 10

	offerLength  = 17 // bytes of an OPTNEG frame with its length: version, actions, protocol
	lengthPrefix = 4

	codeQuitNC  = gomilter.CodeQuitNewConn
	codeUnknown = gomilter.Code('U') // SMFIC_UNKNOWN
)

var errFrame = errors.New("malformed frame")

// frame is one packet of the MTA. Its payload is valid until the next one.
type frame struct {
	code    gomilter.Code
	payload []byte
	raw     []byte // length prefix, code and payload
}

// frames reads frames. Its buffer is given up again after a large one.
type frames struct {
	room *room
	body int // bytes of body frames that are worth memory
}

// next reads one frame. io.EOF means that the MTA closed between frames.
func (f *frames) next() (frame, error) {
	head, err := f.room.reader.Peek(lengthPrefix + 1)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	length := int(binary.BigEndian.Uint32(head))
	if length < 1 || length > maxFrame {
		return frame{}, fmt.Errorf("%w: length %d is not within 1 to %d bytes", errFrame, length, maxFrame)
	}
	code := gomilter.Code(head[lengthPrefix])
	keep, err := f.kept(code, length)
	if err != nil {
		return frame{}, err
	}
	raw := f.room.frame(lengthPrefix + keep)
	if _, err := io.ReadFull(f.room.reader, raw); err != nil {
		return frame{}, err
	}
	if _, err := f.room.reader.Discard(length - keep); err != nil {
		return frame{}, err
	}
	return frame{code: code, payload: raw[lengthPrefix+1:], raw: raw}, nil
}

// kept is how many bytes of a frame of the length are worth memory.
func (f *frames) kept(code gomilter.Code, length int) (int, error) {
	switch code {
	case gomilter.CodeBody:
		return min(length, 1+f.body), nil
	case gomilter.CodeHeader, gomilter.CodeMacro:
		return min(length, keepFrame), nil
	}
	if length > keepFrame {
		return 0, fmt.Errorf("%w: %d bytes of command %q", errFrame, length, byte(code))
	}
	return length, nil
}

// cut splits off the NUL-terminated string that b begins with; a missing
// terminator ends the string at the end of b.
func cut(b []byte) (s, rest []byte) {
	s, rest, _ = bytes.Cut(b, []byte{0})
	return s, rest
}
