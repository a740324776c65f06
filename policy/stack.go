package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The signals of this file read what the kernel knows of the TCP stack that
// answers us. It is that of the host which terminates TCP: behind a NAT the
// client itself, behind a proxy on a device the device. None has a measured rate
// among legitimate mail.

// A Linux client's window scale follows the room that its kernel allows a
// receive buffer, which follows its memory (net/ipv4/tcp.c, tcp_init; tcp_output.c,
// tcp_select_initial_window): 2 is less than 32 MB of low memory, 3 up to 64, 4 up
// to 128, 7 and more 512 and up. 0 and 1 are a program's own choice of a buffer.
// Newer kernels (seen with 6.18) allow larger buffers whatever the memory is
// (net.core.rmem_max), and old BSD and Mac systems stand at 3 and 4: a small scale
// says a little, a large one less.
const (
	scaleSmallest = 2
	scaleSmall    = 4
	scaleLarge    = 7
	scaleWindows  = 8
)

// The MSS of a link of 1492 bytes, Ethernet less the header of PPPoE (RFC 2516,
// section 7), after the headers of IP and TCP.
const (
	pppoeMSS4 = 1452
	pppoeMSS6 = 1432
)

// scaleTexts are the facts of window scales: signals make no strings.
var scaleTexts = [...]string{"ws=0", "ws=1", "ws=2", "ws=3", "ws=4", "ws=5", "ws=6", "ws=7", "ws=8", "ws=9", "ws=10",
	"ws=11", "ws=12", "ws=13", "ws=14"}

func scaleText(scale int8) string {
	if scale < 0 || int(scale) >= len(scaleTexts) {
		return "ws=-"
	}
	return scaleTexts[scale]
}

// modern reports whether the stack offers what Linux does unless it was told
// otherwise.
func (s *Stack) modern() bool { return s.Known && s.Timestamps && s.SACK && s.Scale >= 0 }

func (s *Stack) smallRAM() bool {
	return s.modern() && s.Scale >= scaleSmallest && s.Scale <= scaleSmall
}

func stackSmallRAM(f *Facts, out *Findings) {
	if f.Stack.smallRAM() {
		out.Add(StatusFail, "stack", scaleText(f.Stack.Scale))
	}
}

// stackServer is a machine with memory: a server, a PC, and by now the larger
// ones of the devices.
func stackServer(f *Facts, out *Findings) {
	if f.Stack.modern() && f.Stack.Scale >= scaleLarge {
		out.Add(StatusPass, "stack", scaleText(f.Stack.Scale))
	}
}

// stackWindows is how Windows opens connections: no timestamps, scale 8. An
// embedded device does not; Windows servers do.
func stackWindows(f *Facts, out *Findings) {
	s := &f.Stack
	if s.Known && s.Whole && !s.Timestamps && s.SACK && s.Scale == scaleWindows {
		out.Add(StatusPass, "stack", "windows")
	}
}

// stackPPPoE tells of the line: DSL, mostly, of homes and of offices.
func stackPPPoE(f *Facts, out *Findings) {
	switch s := &f.Stack; {
	case !s.Known:
	case !s.V6 && s.MSS == pppoeMSS4:
		out.Add(StatusFail, "stack", "mss=1452")
	case s.V6 && s.MSS == pppoeMSS6:
		out.Add(StatusFail, "stack", "mss=1432")
	}
}

// stackDesktop is a message that a desktop program claims to have written, from a
// stack with too little memory to run one: mail that somebody relays through a
// device.
func stackDesktop(f *Facts, out *Findings) {
	if mailer := desktop(f); mailer != "" && f.Stack.smallRAM() {
		out.Add(StatusFail, "mailer", mailer)
	}
}

// Text is the stack as explain shows and takes it, "ws=3,mss=1452,ts=1,sack=1"; ""
// when it is unknown.
func (s *Stack) Text() string {
	if !s.Known {
		return ""
	}
	words := []string{scaleText(s.Scale), "ts=" + bit(s.Timestamps), "sack=" + bit(s.SACK)}
	add := func(wanted bool, word string) {
		if wanted {
			words = append(words, word)
		}
	}
	add(s.MSS > 0, fmt.Sprintf("mss=%d", s.MSS))
	add(s.ECN, "ecn=1")
	add(!s.Whole, "whole=0")
	add(s.RTT > 0, "rtt="+s.RTT.Round(10*time.Microsecond).String())
	add(s.Retransmits > 0, fmt.Sprintf("retrans=%d", s.Retransmits))
	return strings.Join(words, ",")
}

func bit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// ParseStack reads what Text writes. The words may stand in any order; those left
// out are what most stacks have: no MSS that tells, timestamps and SACK. An empty
// text is an unknown stack.
func ParseStack(text string) (Stack, error) {
	if text == "" {
		return Stack{}, nil
	}
	s := Stack{Known: true, Whole: true, Scale: -1, Timestamps: true, SACK: true}
	for word := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		if err := s.set(key, value); err != nil {
			return Stack{}, fmt.Errorf("%q: %w", word, err)
		}
	}
	return s, nil
}

func (s *Stack) set(key, value string) (err error) {
	switch key {
	case "ws":
		if s.Scale = -1; value != "-" {
			s.Scale, err = number[int8](value, 14)
		}
	case "mss":
		s.MSS, err = number[uint16](value, 65535)
	case "ts":
		s.Timestamps, err = strconv.ParseBool(value)
	case "sack":
		s.SACK, err = strconv.ParseBool(value)
	case "ecn":
		s.ECN, err = strconv.ParseBool(value)
	case "whole":
		s.Whole, err = strconv.ParseBool(value)
	case "rtt":
		s.RTT, err = time.ParseDuration(value)
	case "retrans":
		s.Retransmits, err = number[uint32](value, 1<<31)
	default:
		err = errors.New("unknown; want ws, mss, ts, sack, ecn, whole, rtt or retrans")
	}
	return err
}

// number is a whole number from 0 to most.
func number[T int8 | uint16 | uint32](text string, most uint64) (T, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n > most {
		return 0, fmt.Errorf("want a number from 0 to %d", most)
	}
	return T(n), nil
}
