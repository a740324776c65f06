package device

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"
	"strings"
)

// addressTraits says whether the text holds addr, or something that looks like
// an IPv4 address. Two octets are enough only where something else tells of an
// access line: large senders number their servers after the last two, too. Names
// have at most 255 bytes, so all buffers are on the stack.
func addressTraits(text string, addr netip.Addr, enough int) (traits Traits) {
	if len(text) == 0 || len(text) > maxName {
		return 0
	}
	var nums numbers
	nums.scan(text)
	if nums.quad {
		traits = Numbers
	}
	switch {
	case addr.Is4() || addr.Is4In6():
		octets := addr.Unmap().As4()
		if nums.longest(octets) >= enough || joined(text, octets) || enough == 2 && tail(text, octets) {
			traits |= Own
		}
	case addr.Is6():
		if holds6(text, addr.As16()) {
			traits |= Own
		}
	}
	return traits
}

// numbers are the decimal numbers of a name, in order.
type numbers struct {
	value [(maxName + 1) / 2]int16 // 0 … 255, -1 for what is no octet
	wide  [(maxName + 1) / 2]bool  // written with two digits or more
	n     int
	quad  bool // four octets in a row, one byte apart
}

func (ns *numbers) scan(text string) {
	streak, last := 0, -2
	for i := 0; i < len(text); {
		if !isDigit(text[i]) {
			i++
			continue
		}
		start, v := i, 0
		for i < len(text) && isDigit(text[i]) {
			v = min(v*10+int(text[i]-'0'), 1000)
			i++
		}
		if v > 255 || i-start > 3 {
			v = -1
		}
		if start != last+1 || v < 0 || isLetter(text[start-1]) && text[start-1] != 'x' {
			streak = 0
		}
		if v >= 0 {
			streak++
		}
		ns.quad = ns.quad || streak == 4
		last = i
		ns.value[ns.n], ns.wide[ns.n] = int16(v), i-start > 1
		ns.n++
	}
}

// longest returns how many octets of the address stand side by side, forward or
// backward. Two must be the last two, or short numbers that count something
// would pass for them.
func (ns *numbers) longest(octets [4]byte) (n int) {
	for i := range ns.n {
		for k := range octets {
			if ns.value[i] != int16(octets[k]) {
				continue
			}
			n = max(n, ns.run(i, k, 1, octets), ns.run(i, k, -1, octets))
		}
	}
	return n
}

func (ns *numbers) run(i, k, step int, octets [4]byte) (n int) {
	start, wide := k, false
	for i+n < ns.n && 0 <= k && k < 4 && ns.value[i+n] == int16(octets[k]) {
		wide = wide || ns.wide[i+n]
		k += step
		n++
	}
	if n == 2 && !(wide && (start == 3 || k-step == 3)) {
		return 1
	}
	return n
}

// joined reports whether the text holds the address as one run: hexadecimal,
// zero-padded decimal, or one integer; forward or backward.
func joined(text string, o [4]byte) bool {
	if !hexRun(text, 6) {
		return false // two octets, padded, are the shortest that is looked for
	}
	r := [4]byte{o[3], o[2], o[1], o[0]}
	var buf [12]byte
	return strings.Contains(text, string(appendHex(buf[:0], o))) ||
		strings.Contains(text, string(appendHex(buf[:0], r))) ||
		strings.Contains(text, string(appendPadded(buf[:0], o[:]))) ||
		strings.Contains(text, string(appendPadded(buf[:0], r[:]))) ||
		endsRun(text, string(appendPadded(buf[:0], o[2:])), isDigit) ||
		decimalRun(text, o)
}

// hexRun reports whether n hexadecimal digits stand side by side in the text.
func hexRun(text string, n int) bool {
	run := 0
	for i := range len(text) {
		if run++; !isHex(text[i]) {
			run = 0
		} else if run == n {
			return true
		}
	}
	return false
}

// tail reports whether a run of letters and digits ends with the last two octets,
// in hexadecimal or in decimal digits without a gap.
func tail(text string, o [4]byte) bool {
	var buf [8]byte
	if endsRun(text, string(appendHex(buf[:0], o)[4:]), isAlnum) {
		return true
	}
	b := appendDecimal(buf[:0], o[2])
	n := len(b)
	if endsRun(text, string(appendPadded(b, o[3:])), isDigit) {
		return true
	}
	b = appendDecimal(b[:n], o[3])
	return len(b) >= 4 && endsRun(text, string(b), isDigit)
}

func appendDecimal(b []byte, v byte) []byte {
	if v >= 100 {
		b = append(b, '0'+v/100)
	}
	if v >= 10 {
		b = append(b, '0'+v/10%10)
	}
	return append(b, '0'+v%10)
}

func appendHex(b []byte, o [4]byte) []byte {
	const digits = "0123456789abcdef"
	for _, v := range o {
		b = append(b, digits[v>>4], digits[v&15])
	}
	return b
}

func appendPadded(b []byte, octets []byte) []byte {
	for _, v := range octets {
		b = append(b, '0'+v/100, '0'+v/10%10, '0'+v%10)
	}
	return b
}

// endsRun reports whether a run of bytes of one kind in the text ends with tail.
func endsRun(text, tail string, kind func(byte) bool) bool {
	for from := 0; ; from++ {
		i := strings.Index(text[from:], tail)
		if i < 0 {
			return false
		}
		from += i
		if end := from + len(tail); end == len(text) || !kind(text[end]) {
			return true
		}
	}
}

// decimalRun reports whether a run of digits is the address as one integer, or
// its octets written without padding.
func decimalRun(text string, o [4]byte) bool {
	want := uint64(binary.BigEndian.Uint32(o[:]))
	bare := uint64(0)
	for _, v := range o {
		bare = bare*pow10(v) + uint64(v)
	}
	for i := 0; i < len(text); i++ {
		start, v := i, uint64(0)
		for i < len(text) && isDigit(text[i]) {
			v = min(v*10+uint64(text[i]-'0'), 1e15)
			i++
		}
		if i-start >= 8 && (v == want || v == bare) {
			return true
		}
	}
	return false
}

func pow10(v byte) uint64 {
	switch {
	case v >= 100:
		return 1000
	case v >= 10:
		return 100
	}
	return 10
}

// minNibbles is how many hexadecimal digits of an IPv6 address a name must
// repeat: fewer occur by chance, and a provider's prefix has eight.
const minNibbles = 12

// holds6 reports whether the text holds a part of an IPv6 address: its nibbles
// forward or backward, with or without separators, or three groups side by side
// without their leading zeros.
func holds6(text string, a [16]byte) bool {
	var parts parts
	forward, backward := uint64(0), uint64(0)
	for i := range 32 {
		forward = forward<<4&nibbleMask | nibble(&a, i)
		backward = backward<<4&nibbleMask | nibble(&a, 31-i)
		if i+1 >= minNibbles {
			parts.add(forward)
			parts.add(backward)
		}
	}
	v, n := uint64(0), 0
	for i := range len(text) {
		if !isHex(text[i]) {
			continue
		}
		v = v<<4&nibbleMask | uint64(hexValue(text[i]))
		if n++; n >= minNibbles && parts.has(v) {
			return true
		}
	}
	return groups(text, a)
}

const nibbleMask = 1<<(4*minNibbles) - 1

func nibble(a *[16]byte, i int) uint64 { return uint64(a[i/2]) >> (4 * (1 - i%2)) & 15 }

// parts are runs of minNibbles nibbles of an address, as numbers.
type parts struct {
	all  [2 * (32 - minNibbles + 1)]uint64
	n    int
	last [4]uint64 // the set of the last bytes, which most numbers miss
}

// add leaves out what is mostly zeros.
func (p *parts) add(v uint64) {
	filled := v | v>>1 | v>>2 | v>>3 // in the lowest bit of each nibble
	if bits.OnesCount64(filled&0x1111_1111_1111_1111) >= 4 {
		p.all[p.n] = v
		p.n++
		p.last[v>>6&3] |= 1 << (v & 63)
	}
}

func (p *parts) has(v uint64) bool {
	return p.last[v>>6&3]&(1<<(v&63)) != 0 && slices.Contains(p.all[:p.n], v)
}

// groups reports whether three groups of the address that are not zero stand side
// by side in the text, with or without their leading zeros.
func groups(text string, a [16]byte) bool {
	var want [8]int
	m := 0
	for i := range 8 {
		if g := int(a[2*i])<<8 | int(a[2*i+1]); g != 0 {
			want[m] = g
			m++
		}
	}
	var got [(maxName + 1) / 2]int
	n := 0
	for i := 0; i < len(text); {
		if !isHex(text[i]) {
			i++
			continue
		}
		v := 0
		for i < len(text) && isHex(text[i]) {
			v = min(v<<4|hexValue(text[i]), 0x10000)
			i++
		}
		if v != 0 {
			got[n] = v
			n++
		}
	}
	for i := range n {
		for k := range m {
			run := 0
			for i+run < n && k+run < m && got[i+run] == want[k+run] {
				run++
			}
			if run >= 3 {
				return true
			}
		}
	}
	return false
}

func hexValue(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}
