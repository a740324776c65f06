package replay

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxNames is how many names of a folder are sorted at a time: a folder may hold
// any number.
const maxNames = 1 << 16

// maxDepth bounds folders within folders.
const maxDepth = 32

// source reads paths and gives what it finds to the pipe.
type source struct {
	o   *Options
	out *pipe

	mail *parser
}

func (s *source) damaged(path, what string) { s.out.record(Record{Place: path, Damage: what}) }

// path reads what the user named: a file of any kind, a folder, or "-".
func (s *source) path(path string) {
	if path == "-" {
		s.stream("-", s.o.Stdin, s.o.Now())
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		s.damaged(path, trouble(err))
		return
	}
	if info.IsDir() {
		s.folder(path, 0)
		return
	}
	s.file(path)
}

func (s *source) file(path string) {
	f, err := os.Open(path)
	if err != nil {
		s.damaged(path, trouble(err))
		return
	}
	defer f.Close()
	at := s.o.Now()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		at = info.ModTime()
	}
	s.stream(path, f, at)
}

// folder reads a Maildir, or each file of another folder, and what is below it.
// Only regular files are opened: a pipe would never end. Hidden files are not
// mail: MH keeps its lists in them.
func (s *source) folder(path string, depth int) {
	maildir := isMaildir(path)
	if maildir {
		s.names(filepath.Join(path, "cur"), s.maildirFile, nil)
		s.names(filepath.Join(path, "new"), s.maildirFile, nil)
	}
	file, below := s.visible, func(below string) { s.deeper(below, depth, s.folder) }
	if maildir || s.o.Format == Maildir {
		file, below = nil, func(below string) { s.deeper(below, depth, s.maildirs) }
	}
	s.names(path, file, below)
}

// maildirs reads the Maildirs at and below a folder that stands in a Maildir, and
// nothing else there: Maildir++ has them as .Junk, Dovecot's layout fs as Junk,
// and both have other folders, for scripts and indexes.
func (s *source) maildirs(path string, depth int) {
	if name := filepath.Base(path); name == "cur" || name == "new" || name == "tmp" || outgoing(name) {
		return
	}
	if isMaildir(path) {
		s.names(filepath.Join(path, "cur"), s.maildirFile, nil)
		s.names(filepath.Join(path, "new"), s.maildirFile, nil)
	}
	s.names(path, nil, func(below string) { s.deeper(below, depth, s.maildirs) })
}

// outgoing reports whether a subfolder of a Maildir holds mail that its owner
// wrote, by the names that mail programs agree on (RFC 6154).
func outgoing(name string) bool {
	for part := range strings.SplitSeq(strings.ToLower(name), ".") {
		switch part {
		case "sent", "sent items", "sent messages", "sent mail", "sent-mail", "outbox", "drafts", "templates":
			return true
		}
	}
	return false
}

func (s *source) deeper(path string, depth int, folder func(string, int)) {
	if depth >= maxDepth {
		s.damaged(path, "too many folders within folders")
		return
	}
	folder(path, depth+1)
}

func (s *source) visible(path string) {
	if !strings.HasPrefix(filepath.Base(path), ".") {
		s.file(path)
	}
}

func isMaildir(path string) bool {
	for _, name := range []string{"cur", "new"} {
		if info, err := os.Stat(filepath.Join(path, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// names calls file and folder with what the folder holds, in the order of the
// names.
func (s *source) names(path string, file, folder func(string)) {
	d, err := os.Open(path)
	if err != nil {
		s.damaged(path, trouble(err))
		return
	}
	defer d.Close()
	for s.out.ctx.Err() == nil {
		names, err := d.Readdirnames(maxNames)
		slices.Sort(names)
		for _, name := range names {
			below := filepath.Join(path, name)
			info, err := os.Lstat(below)
			switch {
			case s.out.ctx.Err() != nil:
				return
			case err != nil:
				s.damaged(below, trouble(err))
			case info.Mode().IsRegular() && file != nil:
				file(below)
			case info.IsDir() && folder != nil:
				folder(below)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.damaged(path, trouble(err))
			}
			return
		}
	}
}

// maildirFile reads a message of a Maildir, whatever it looks like. Hidden files
// are none.
func (s *source) maildirFile(path string) {
	if strings.HasPrefix(filepath.Base(path), ".") {
		return
	}
	f, err := os.Open(path)
	if err != nil {
		s.damaged(path, trouble(err))
		return
	}
	defer f.Close()
	if in, _, ok := s.unpacked(path, f, time.Time{}); ok {
		s.read(path, EML, in, time.Time{})
	}
}

// stream reads a file from its beginning. The time is the one of its last line,
// more or less.
func (s *source) stream(path string, r io.Reader, at time.Time) {
	in, at, ok := s.unpacked(path, r, at)
	if !ok {
		return
	}
	format := s.o.Format
	if format == Auto || format == Maildir {
		start, err := in.Peek(4096)
		if len(start) == 0 {
			if err != nil && !errors.Is(err, io.EOF) {
				s.damaged(path, trouble(err))
			}
			return
		}
		if format = guess(start); format == Auto {
			s.damaged(path, "neither JSON lines nor mbox, message or mail log; hint: --format")
			return
		}
	}
	s.read(path, format, in, at)
}

// unpacked is what a file holds, whether or not it was compressed, and the time
// of it.
func (s *source) unpacked(path string, r io.Reader, at time.Time) (*bufio.Reader, time.Time, bool) {
	in := bufio.NewReaderSize(&counter{r: r, told: s.o.Progress}, readBuffer)
	magic, _ := in.Peek(6)
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			s.damaged(path, trouble(err))
			return nil, at, false
		}
		if !z.ModTime.IsZero() {
			at = z.ModTime
		}
		in = bufio.NewReaderSize(z, readBuffer)
	case len(magic) > 3 && bytes.HasPrefix(magic, []byte("BZh")) && '1' <= magic[3] && magic[3] <= '9':
		in = bufio.NewReaderSize(bzip2.NewReader(in), readBuffer)
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		s.damaged(path, "compressed by zstd; hint: zstd -dc FILE | iot-milter replay -")
		return nil, at, false
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		s.damaged(path, "compressed by xz; hint: xz -dc FILE | iot-milter replay -")
		return nil, at, false
	}
	return in, at, true
}

func (s *source) read(path string, format Format, r io.Reader, at time.Time) {
	l := newLines(r)
	var err error
	switch format {
	case JSONL:
		err = s.jsonl(path, l)
	case Mbox:
		err = s.mbox(path, l)
	case Maillog:
		err = s.maillog(path, l, at)
	default:
		err = s.eml(path, l)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		s.damaged(place{path, l.number}.String(), "the rest cannot be read: "+trouble(err))
	}
}

// guess tells the format by the beginning of a file, Auto when it is none.
func guess(start []byte) Format {
	start = bytes.TrimPrefix(start, []byte("\xef\xbb\xbf"))
	start = bytes.TrimLeft(start, "\r\n\t ")
	line, _, _ := bytes.Cut(start, []byte("\n"))
	_, isLog := splitLog(string(line))
	switch {
	case len(line) == 0:
		return Auto
	case line[0] == '{':
		return JSONL
	case bytes.HasPrefix(line, []byte("From ")):
		return Mbox
	case isLog:
		return Maillog
	case isField(line):
		return EML
	}
	return Auto
}

// trouble is an error without the path, which stands before it.
func trouble(err error) string {
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return at.Err.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	}
	return err.Error()
}

// counter tells of what is read.
type counter struct {
	r    io.Reader
	told func(int)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.told != nil {
		c.told(n)
	}
	return n, err
}
