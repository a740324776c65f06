package device

import (
	"encoding/binary"
	"net/netip"
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
	value [64]int16 // 0 … 255, -1 for what is no octet
	wide  [64]bool  // written with two digits or more
	n     int
	quad  bool // four octets in a row, one byte apart
}

func (ns *numbers) scan(text string) {
	streak, last := 0, -2
	for i := 0; i < len(text) && ns.n < len(ns.value); {
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
	if len(text) < 6 {
		return false
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
	for from := 0; ; {
		i := strings.Index(text[from:], tail)
		if i < 0 {
			return false
		}
		from += i + len(tail)
		if from == len(text) || !kind(text[from]) {
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
	var forward, backward [32]byte
	for i, v := range a {
		forward[2*i], forward[2*i+1] = v>>4, v&15
		backward[31-2*i], backward[30-2*i] = v>>4, v&15
	}
	var nibbles [maxName]byte
	n := 0
	for i := range len(text) {
		if isHex(text[i]) {
			nibbles[n] = text[i] - '0'
			if text[i] >= 'a' {
				nibbles[n] = text[i] - 'a' + 10
			}
			n++
		}
	}
	return common(nibbles[:n], &forward) || common(nibbles[:n], &backward) || groups(text, a)
}

// common reports whether both share a run of minNibbles that is not mostly
// zeros.
func common(text []byte, addr *[32]byte) bool {
	for i := 0; i+minNibbles <= len(text); i++ {
		for k := 0; k+minNibbles <= len(addr); k++ {
			n, filled := 0, 0
			for n < minNibbles && text[i+n] == addr[k+n] {
				if text[i+n] != 0 {
					filled++
				}
				n++
			}
			if n == minNibbles && filled >= 4 {
				return true
			}
		}
	}
	return false
}

func groups(text string, a [16]byte) bool {
	k, run := 0, 0
	for i := 0; i < len(text); {
		v, n := 0, 0
		for i < len(text) && isHex(text[i]) {
			v = v<<4 | hexValue(text[i])
			v &= 0xfffff
			i, n = i+1, n+1
		}
		if n == 0 {
			i++
			continue
		}
		if k, run = follow(a, k, run, v); run >= 3 {
			return true
		}
	}
	return false
}

// follow says where in the address the group v stands: after the last one if it
// can, else anywhere.
func follow(a [16]byte, k, run, v int) (int, int) {
	if v == 0 {
		return k, run
	}
	for from := k; from < 8; from++ {
		g := int(a[2*from])<<8 | int(a[2*from+1])
		if g == v {
			return from + 1, run + 1
		}
		if g != 0 {
			break
		}
	}
	for from := range 8 {
		if int(a[2*from])<<8|int(a[2*from+1]) == v {
			return from + 1, 1
		}
	}
	return 0, 0
}

func hexValue(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}
