package daemon_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// tape is what an MTA wrote in a session, in the pieces after which it read so many
// frames. Played again it costs this process no allocation, so that what the heap gets
// meanwhile is the daemon's.
type tape struct {
	pieces []piece
	addr   *unix.SockaddrUnix
	buf    []byte
}

type piece struct {
	write  []byte
	frames int
}

// recorder is a connection that keeps what goes over it.
type recorder struct {
	net.Conn
	pieces []piece
	read   []byte // of the answers to the last piece
}

func (r *recorder) Write(p []byte) (int, error) {
	if len(r.pieces) == 0 || len(r.read) > 0 {
		r.turn()
		r.pieces = append(r.pieces, piece{})
	}
	last := &r.pieces[len(r.pieces)-1]
	last.write = append(last.write, p...)
	return r.Conn.Write(p)
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.read = append(r.read, p[:n]...)
	return n, err
}

// turn counts the frames that answered the last piece.
func (r *recorder) turn() {
	if n := len(r.pieces); n > 0 {
		r.pieces[n-1].frames, _ = frames(r.read)
	}
	r.read = r.read[:0]
}

// frames counts the whole frames in b, and tells their bytes.
func frames(b []byte) (n, size int) {
	for len(b)-size >= 4 {
		next := size + 4 + int(b[size])<<24 + int(b[size+1])<<16 + int(b[size+2])<<8 + int(b[size+3])
		if next > len(b) {
			break
		}
		n, size = n+1, next
	}
	return n, size
}

// record plays the session once on the socket and keeps it.
func record(t testing.TB, socket string, s mtascript.Session) *tape {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Conn: conn}
	got, err := s.Run(mtascript.New(r))
	if err != nil {
		t.Fatal(err)
	}
	for i := range got.Messages {
		if !got.Messages[i].Delivered {
			t.Fatalf("message %d: %+v", i, got.Messages[i].Final)
		}
	}
	r.turn()
	return &tape{pieces: r.pieces, addr: &unix.SockaddrUnix{Name: socket}, buf: make([]byte, 8<<10)}
}

// play is the session once more.
func (t *tape) play() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return err
	}
	if err := unix.Connect(fd, t.addr); err != nil {
		return err
	}
	for i := range t.pieces {
		p := &t.pieces[i]
		if n, err := unix.Write(fd, p.write); err != nil || n < len(p.write) {
			return fmt.Errorf("piece %d: %d bytes written: %w", i, n, err)
		}
		if err := t.await(fd, p.frames); err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
	}
	if n, err := read(fd, t.buf); n != 0 || err != nil {
		return fmt.Errorf("after QUIT: %d bytes, %w", n, err)
	}
	return nil
}

var patience = unix.NsecToTimeval(int64(10 * time.Second))

// await reads so many frames, and no byte more.
func (t *tape) await(fd, want int) error {
	for have, got := 0, 0; got < want; {
		n, err := read(fd, t.buf[have:])
		if n <= 0 {
			return fmt.Errorf("%d bytes of an answer: %w", have, err)
		}
		have += n
		var size int
		if got, size = frames(t.buf[:have]); got > want || got == want && size < have {
			return fmt.Errorf("%d frames in %d bytes, want %d", got, have, want)
		}
	}
	return nil
}

// read reads on when the scheduler's signal interrupts it.
func read(fd int, p []byte) (n int, err error) {
	for {
		if n, err = unix.Read(fd, p); err != unix.EINTR {
			return n, err
		}
	}
}
