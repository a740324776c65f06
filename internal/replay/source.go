package replay

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// folder reads a Maildir, or each file of another folder and what is below it.
// Only regular files are opened: a pipe would never end.
func (s *source) folder(path string, depth int) {
	if s.o.Format == Maildir || isMaildir(path) {
		s.names(filepath.Join(path, "cur"), s.maildirFile, nil)
		s.names(filepath.Join(path, "new"), s.maildirFile, nil)
		return
	}
	s.names(path, s.file, func(below string) {
		if depth >= maxDepth {
			s.damaged(below, "too many folders within folders")
			return
		}
		s.folder(below, depth+1)
	})
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
			case info.Mode().IsRegular():
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

// maildirFile reads a message of a Maildir, whatever it looks like.
func (s *source) maildirFile(path string) {
	f, err := os.Open(path)
	if err != nil {
		s.damaged(path, trouble(err))
		return
	}
	defer f.Close()
	s.read(path, EML, &counter{r: f, told: s.o.Progress}, time.Time{})
}

// stream reads a file from its beginning. The time is the one of its last line,
// more or less.
func (s *source) stream(path string, r io.Reader, at time.Time) {
	in := bufio.NewReaderSize(&counter{r: r, told: s.o.Progress}, readBuffer)
	if magic, _ := in.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(in)
		if err != nil {
			s.damaged(path, trouble(err))
			return
		}
		if !z.ModTime.IsZero() {
			at = z.ModTime
		}
		in = bufio.NewReaderSize(z, readBuffer)
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
