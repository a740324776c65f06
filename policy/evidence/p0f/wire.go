package p0f

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// The API's numbers, from p0f's api.h.
const (
	queryMagic  = 0x50304601
	answerMagic = 0x50304602

	statusBad     = 0x00
	statusOK      = 0x10
	statusNoMatch = 0x20

	querySize  = 21
	answerSize = 232
	textSize   = 32 // of a text, with its NUL
)

// Where in an answer its fields are.
const (
	atStatus   = 4
	atUptime   = 20 // minutes
	atNAT      = 28 // seconds since 1970
	atDistance = 36
	atOS       = 40
	atFlavor   = 72
	atLink     = 168
)

const (
	// maxUptime is far more than p0f can know: timestamps of 100 Hz begin anew
	// after 497 days.
	maxUptime = 5 * 365 * 24 * time.Hour
	// maxDistance in hops; a TTL has no room for more.
	maxDistance = 255
	// natAge is how long p0f keeps an address that is silent.
	natAge = 2 * time.Hour
)

type (
	query  [querySize]byte
	answer [answerSize]byte
)

// queryFor makes the question about addr, which is valid and no IPv4 address in
// an IPv6 one.
func queryFor(addr netip.Addr) (q query) {
	binary.NativeEndian.PutUint32(q[:], queryMagic)
	if addr.Is4() {
		a := addr.As4()
		q[4] = 4
		copy(q[5:], a[:])
	} else {
		a := addr.As16()
		q[4] = 6
		copy(q[5:], a[:])
	}
	return q
}

var errBadQuery = errors.New("it did not understand the question; hint: is it p0f 3?")

// parse reads an answer that came at the time now. What p0f does not know is a
// zero P0f without an error.
func parse(a *answer, now time.Time) (policy.P0f, error) {
	if magic := binary.NativeEndian.Uint32(a[:]); magic != answerMagic {
		return policy.P0f{}, fmt.Errorf("an answer begins with %#08x; hint: is it the socket of p0f 3?", magic)
	}
	switch status := binary.NativeEndian.Uint32(a[atStatus:]); status {
	case statusOK:
	case statusNoMatch:
		return policy.P0f{}, nil
	case statusBad:
		return policy.P0f{}, errBadQuery
	default:
		return policy.P0f{}, fmt.Errorf("an answer has the status %#x", status)
	}
	p := policy.P0f{
		Known:    true,
		OS:       text(a[atOS:][:textSize]),
		Flavor:   text(a[atFlavor:][:textSize]),
		Link:     text(a[atLink:][:textSize]),
		Distance: int(int16(binary.NativeEndian.Uint16(a[atDistance:]))),
	}
	if p.Distance < 0 || p.Distance > maxDistance {
		p.Distance = -1
	}
	if up := binary.NativeEndian.Uint32(a[atUptime:]); up <= uint32(maxUptime/time.Minute) {
		p.Uptime = time.Duration(up) * time.Minute
	}
	if nat := binary.NativeEndian.Uint32(a[atNAT:]); nat != 0 {
		p.NAT = now.Sub(time.Unix(int64(nat), 0)).Abs() < natAge
	}
	return p, nil
}

// text returns a text up to its NUL. It comes from p0f's file of fingerprints;
// that it is printable is checked all the same.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(bytes.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, b))
}
