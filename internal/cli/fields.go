package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/iot-milter/iot-milter/policy"
)

// maxHeader bounds the header of a message that is read from a file, in bytes.
const maxHeader = 1 << 20

// readHeaders reads the header of an RFC 5322 message as an MTA would hand it
// over, tolerating what MTAs tolerate: bare line feeds, an mbox "From " line, a
// line that is no field (it ends the header).
func readHeaders(r io.Reader, h *policy.Headers) error {
	limited := &io.LimitedReader{R: r, N: maxHeader}
	lines := bufio.NewReader(limited)
	var field []byte
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return err
		}
		if limited.N == 0 && err == io.EOF {
			return fmt.Errorf("line %d: the header is longer than %d bytes", number, maxHeader)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && field != nil {
			field = append(append(field, '\n'), line...)
			continue
		}
		addField(h, field)
		if len(line) == 0 {
			return nil
		}
		if number == 1 && bytes.HasPrefix(line, []byte("From ")) {
			field = nil
			continue
		}
		if colon := bytes.IndexByte(line, ':'); colon <= 0 || bytes.ContainsAny(bytes.TrimRight(line[:colon], " \t"), " \t") {
			return nil
		}
		field = line
	}
}

func addField(h *policy.Headers, field []byte) {
	if name, value, ok := bytes.Cut(field, []byte(":")); ok {
		h.Add(name, bytes.TrimLeft(value, " \t"))
	}
}
