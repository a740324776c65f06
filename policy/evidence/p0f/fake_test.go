package p0f

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// daemon answers as p0f does, and as it should not.
type daemon struct {
	t      testing.TB
	socket string
	// reply makes the answer to a query; nil says nothing.
	reply func(q []byte) []byte

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	accepted int
	asked    int
	most     int // questions at one time
	now      int
}

func start(t testing.TB, reply func(q []byte) []byte) *daemon {
	d := &daemon{t: t, socket: filepath.Join(t.TempDir(), "p0f.sock"), reply: reply, conns: map[net.Conn]bool{}}
	d.listen()
	t.Cleanup(d.stop)
	return d
}

func (d *daemon) listen() {
	l, err := net.Listen("unix", d.socket)
	if err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	d.listener = l
	d.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.mu.Lock()
			d.accepted++
			d.conns[conn] = true
			d.mu.Unlock()
			go d.serve(conn)
		}
	}()
}

func (d *daemon) serve(conn net.Conn) {
	defer conn.Close()
	q := make([]byte, querySize)
	for {
		if _, err := io.ReadFull(conn, q); err != nil {
			return
		}
		d.mu.Lock()
		d.asked++
		d.now++
		d.most = max(d.most, d.now)
		d.mu.Unlock()
		a := d.reply(q)
		d.mu.Lock()
		d.now--
		d.mu.Unlock()
		if a == nil {
			return
		}
		if _, err := conn.Write(a); err != nil {
			return
		}
	}
}

// stop ends the daemon with its connections, as a restart does.
func (d *daemon) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listener.Close()
	for conn := range d.conns {
		conn.Close()
	}
	d.conns = map[net.Conn]bool{}
}

func (d *daemon) counts() (accepted, asked, most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.accepted, d.asked, d.most
}

// host is what an answer is made of.
type host struct {
	status          uint32
	os, flavor, url string
	link            string
	up, nat         uint32
	distance        int16
}

func (h host) bytes() []byte {
	a := make([]byte, answerSize)
	binary.NativeEndian.PutUint32(a, answerMagic)
	binary.NativeEndian.PutUint32(a[atStatus:], h.status)
	binary.NativeEndian.PutUint32(a[atUptime:], h.up)
	binary.NativeEndian.PutUint32(a[atNAT:], h.nat)
	binary.NativeEndian.PutUint16(a[atDistance:], uint16(h.distance))
	copy(a[atOS:][:textSize], h.os)
	copy(a[atFlavor:][:textSize], h.flavor)
	copy(a[104:][:textSize], h.url)
	copy(a[atLink:][:textSize], h.link)
	return a
}

// named answers with the address that was asked for as the system, so that an
// answer to another question is seen.
func named(q []byte) []byte {
	return host{status: statusOK, os: asked(q).String(), distance: 3}.bytes()
}

func asked(q []byte) netip.Addr {
	if binary.NativeEndian.Uint32(q) != queryMagic {
		return netip.Addr{}
	}
	if q[4] == 4 {
		return netip.AddrFrom4([4]byte(q[5:9]))
	}
	return netip.AddrFrom16([16]byte(q[5:21]))
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// meter counts what it is told.
type meter struct {
	mu       sync.Mutex
	outcomes map[string]int
	hits     int
}

func (m *meter) Lookup(outcome string, _ time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.outcomes == nil {
		m.outcomes = map[string]int{}
	}
	m.outcomes[outcome]++
}

func (m *meter) Cached(hit bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if hit {
		m.hits++
	}
}

func (m *meter) of(outcome string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.outcomes[outcome]
}
