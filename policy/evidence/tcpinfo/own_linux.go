package tcpinfo

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	cookieMemory = time.Minute // how long a SYN cookie makes missing options unknown

	// Between two readings, which take some 50 µs. Where an answer depends on them
	// the longer interval would let the first second of a flood of SYNs pass.
	ownInterval    = time.Second
	urgentInterval = 100 * time.Millisecond
)

// probing is net.ipv4.tcp_mtu_probing.
type probing uint8

const (
	probeNever  probing = iota
	probeStuck          // after time-outs
	probeAlways         // from the start, with an MSS of our own
)

// settings are what of our own end shows in a connection. The zero value trusts
// nothing that is missing.
type settings struct {
	cookies bool  // SYN cookies were in use of late
	spoken  uint8 // bits of tcpi_options: what our kernel answers when it is offered
	probing probing
}

// correct takes our own end out of what an answer tells.
func (o settings) correct(s *policy.Stack, options uint8) {
	if missing(options)&^o.spoken == 0 {
		// A SYN cookie keeps all options in the timestamp, or loses all.
		s.Whole = !o.cookies || s.Timestamps
	}
	if o.cookies || o.probing == probeAlways || o.probing == probeStuck && s.Retransmits > 0 {
		s.MSS = 0
	}
}

// own reads the settings of our network namespace. Files stay open: they belong
// to the namespace that they were opened in, and reading one again costs a call.
type own struct {
	netstat, timestamps, sack, scale, mtu *os.File // nil where there is none

	mu      sync.Mutex
	buf     []byte
	read    time.Time // the last reading
	counter int64     // SyncookiesRecv, -1 is unknown
	rose    time.Time // when it last did
	shown   uint8     // bits that some connection had
	files   settings
}

func openOwn(proc string, now time.Time) *own {
	open := func(path string) *os.File {
		f, err := os.Open(filepath.Join(proc, path))
		if err != nil {
			return nil
		}
		return f
	}
	o := &own{
		netstat:    open("self/net/netstat"),
		timestamps: open("sys/net/ipv4/tcp_timestamps"),
		sack:       open("sys/net/ipv4/tcp_sack"),
		scale:      open("sys/net/ipv4/tcp_window_scaling"),
		mtu:        open("sys/net/ipv4/tcp_mtu_probing"),
		buf:        make([]byte, 16<<10),
	}
	o.refresh(now)
	return o
}

func (o *own) close() {
	for _, f := range []*os.File{o.netstat, o.timestamps, o.sack, o.scale, o.mtu} {
		if f != nil {
			f.Close()
		}
	}
}

// settings returns those that hold for a connection with these options, read just
// now if its answer depends on them.
func (o *own) settings(now time.Time, options uint8, depends bool) settings {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.shown |= options & optOffered
	interval := ownInterval
	if depends {
		interval = urgentInterval
	}
	if age := now.Sub(o.read); age >= interval || age < 0 {
		o.refresh(now)
	}
	s := o.files
	s.cookies = o.counter < 0 || !o.rose.IsZero() && now.Sub(o.rose) < cookieMemory
	return s
}

// refresh reads the files. A counter that rose since the last reading, however
// long ago that was, may have risen just now.
func (o *own) refresh(now time.Time) {
	o.read = now
	if n := cookiesReceived(o.content(o.netstat)); n != o.counter {
		o.counter, o.rose = n, now
	}
	o.files = settings{probing: probeStuck}
	for _, f := range []struct {
		file *os.File
		bit  uint8
	}{{o.timestamps, optTimestamps}, {o.sack, optSACK}, {o.scale, optScale}} {
		if n, ok := o.number(f.file); ok && n != 0 || !ok && o.shown&f.bit != 0 {
			o.files.spoken |= f.bit
		}
	}
	if n, ok := o.number(o.mtu); ok {
		o.files.probing = probing(min(n, int(probeAlways)))
	}
}

// content is what a file holds now, in o.buf; nothing if it cannot be read.
func (o *own) content(f *os.File) []byte {
	if f == nil {
		return nil
	}
	for n := 0; ; {
		m, err := f.ReadAt(o.buf[n:], int64(n))
		switch n += m; {
		case err == io.EOF:
			return o.buf[:n]
		case err != nil:
			return nil
		case n == len(o.buf):
			o.buf = append(o.buf, make([]byte, n)...)
		}
	}
}

func (o *own) number(f *os.File) (int, bool) {
	n, err := strconv.Atoi(string(bytes.TrimSpace(o.content(f))))
	return n, err == nil && n >= 0
}

// cookiesReceived returns TcpExt SyncookiesRecv of netstat's two lines, names
// above values, and -1 where it is not there.
func cookiesReceived(b []byte) int64 {
	names, rest, _ := bytes.Cut(b, []byte("\n"))
	values, _, _ := bytes.Cut(rest, []byte("\n"))
	if !bytes.HasPrefix(names, []byte("TcpExt:")) {
		return -1
	}
	var name, value []byte
	for len(names) > 0 && len(values) > 0 {
		name, names, _ = bytes.Cut(names, []byte(" "))
		value, values, _ = bytes.Cut(values, []byte(" "))
		if string(name) == "SyncookiesRecv" {
			if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && n >= 0 {
				return n
			}
		}
	}
	return -1
}
