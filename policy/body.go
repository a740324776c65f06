package policy

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"html"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"strings"
)

// MaxBody is how many bytes of a message's body are looked at. What somebody
// advertises stands at the beginning: what follows are pictures and attachments.
const MaxBody = 64 << 10

const (
	maxParts   = 32 // of a message, on all levels; and what is read of a multipart is bounded by MaxBody
	maxNesting = 4  // of multiparts within multiparts
)

// Body collects the beginning of a message's body, as it arrives, for what it links
// to. The zero value is empty. It is the only place where text of a body is held, and
// only until Links. One goroutine may use it at a time.
type Body struct {
	text []byte
	cut  bool // there was more
}

// Room is how many more bytes are of interest: one more than are kept tells that the
// body is longer.
func (b *Body) Room() int {
	if b.cut {
		return 0
	}
	return MaxBody + 1 - len(b.text)
}

// Len is how many bytes are held.
func (b *Body) Len() int { return len(b.text) }

// Add takes the next bytes, which it copies.
func (b *Body) Add(chunk []byte) {
	if room := MaxBody - len(b.text); len(chunk) > room {
		chunk, b.cut = chunk[:room], true
	}
	b.text = append(b.text, chunk...)
}

// Links returns where the body links to and gives its text up. The headers are those
// of the message, with KeepType; without them the body is read as plain text. Text
// parts are decoded (RFC 2045, RFC 2046); what is malformed is read as far as it goes.
func (b *Body) Links(h *Headers) Links {
	r := linkReader{Links: Links{known: true, Cut: b.cut}, torn: b.cut}
	r.entity(h.ContentType.String(), h.Encoding.String(), b.text, 0)
	b.text = nil
	return r.Links
}

// linkReader goes through the parts of a message.
type linkReader struct {
	Links
	torn  bool // the text ends anywhere, perhaps within an address
	parts int
	urls  int
}

// entity reads a message, or a part of one.
func (r *linkReader) entity(contentType, encoding string, text []byte, depth int) {
	kind, boundary := mediaType(contentType)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		r.multipart(text, boundary, depth)
	case kind == "text/html":
		r.scan([]byte(html.UnescapeString(string(decoded(encoding, text)))))
	case kind == "", strings.HasPrefix(kind, "text/"):
		r.scan(decoded(encoding, text))
	}
}

// multipart reads parts until one cannot be told from the next. What has no part at all
// is read as it stands.
func (r *linkReader) multipart(text []byte, boundary string, depth int) {
	if depth == maxNesting {
		r.Cut = true
		return
	}
	parts := multipart.NewReader(bytes.NewReader(text), boundary)
	for n := 0; ; n++ {
		if r.parts == maxParts {
			r.Cut = true
			return
		}
		part, err := parts.NextRawPart()
		if err != nil {
			if n == 0 {
				r.scan(text)
			}
			return
		}
		r.parts++
		content, _ := io.ReadAll(part) // the last one may be cut off
		r.entity(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), content, depth+1)
	}
}

// mediaType is the type of a Content-Type, in lower case, "" where there is none, and
// its boundary. Spam writes some that no rule allows, as mail programs show them all
// the same.
func mediaType(value string) (kind, boundary string) {
	kind, params, err := mime.ParseMediaType(value)
	if err == nil {
		return kind, params["boundary"]
	}
	if !errors.Is(err, mime.ErrInvalidMediaParameter) {
		kind, _, _ = strings.Cut(value, ";")
		kind = strings.ToLower(strings.TrimSpace(kind))
	}
	const name = "boundary="
	if i := strings.Index(strings.ToLower(value), name); i >= 0 && i+len(name) <= len(value) {
		boundary = value[i+len(name):]
		if quoted, ok := strings.CutPrefix(boundary, `"`); ok {
			boundary, _, _ = strings.Cut(quoted, `"`)
		} else if end := strings.IndexAny(boundary, "; \t\r\n"); end >= 0 {
			boundary = boundary[:end]
		}
	}
	return kind, boundary
}

// decoded undoes a Content-Transfer-Encoding, as far as the text is so encoded.
func decoded(encoding string, text []byte) []byte {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		// The decoder gives up on a line that is longer than its reader's buffer.
		lines := bufio.NewReaderSize(bytes.NewReader(text), len(text)+1)
		out, _ := io.ReadAll(quotedprintable.NewReader(lines))
		return out
	case "base64":
		return fromBase64(text)
	}
	return text
}

// fromBase64 leaves out what is not of the alphabet, as RFC 2045, section 6.8, has it.
func fromBase64(text []byte) []byte {
	text, _, _ = bytes.Cut(text, []byte("="))
	in := make([]byte, 0, len(text))
	for _, b := range text {
		if 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '+' || b == '/' {
			in = append(in, b)
		}
	}
	if len(in)%4 == 1 {
		in = in[:len(in)-1] // no byte ends there: the text was cut
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(in)))
	n, _ := base64.RawStdEncoding.Decode(out, in)
	return out[:n]
}
