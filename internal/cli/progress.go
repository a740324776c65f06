package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	progressEvery = 100 * time.Millisecond
	progressWidth = 30         // characters of the bar
	eraseLine     = "\r\x1b[K" // ECMA-48, EL
	mebibyte      = float64(1 << 20)
)

// progress is a bar on a terminal, and nothing elsewhere. It is safe for concurrent use.
type progress struct {
	out   io.Writer // nil: no terminal
	total int64     // bytes; 0 is unknown
	now   func() time.Time

	mu           sync.Mutex
	done         int64
	began, shown time.Time
}

func newProgress(w io.Writer, paths []string) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{out: f, total: size(paths), now: time.Now, began: time.Now()}
}

// size is what the paths hold in bytes, 0 when that is not known.
func size(paths []string) (total int64) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			switch {
			case err != nil:
				return err
			case info.Mode().IsRegular():
				total += info.Size()
			case !info.IsDir():
				return fs.ErrInvalid // a pipe has no size
			}
			return nil
		})
		if err != nil {
			return 0
		}
	}
	return total
}

// add counts bytes that were read.
func (p *progress) add(n int) {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += int64(n)
	if now := p.now(); now.Sub(p.shown) >= progressEvery {
		p.shown = now
		io.WriteString(p.out, eraseLine+p.line(now.Sub(p.began)))
	}
}

// clear makes room for a line of something else.
func (p *progress) clear() {
	if p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = time.Time{}
	io.WriteString(p.out, eraseLine)
}

// line is the bar after so long.
func (p *progress) line(took time.Duration) string {
	if p.total <= 0 {
		return fmt.Sprintf("%.1f MiB", float64(p.done)/mebibyte)
	}
	part := min(float64(p.done)/float64(p.total), 1) // a file may have grown
	full := int(part * progressWidth)
	text := fmt.Sprintf("%3.0f%% [%s%s] %.1f of %.1f MiB", 100*part, strings.Repeat("#", full), strings.Repeat(" ", progressWidth-full),
		float64(p.done)/mebibyte, float64(p.total)/mebibyte)
	if part == 0 {
		return text
	}
	return text + fmt.Sprintf(", %v left", time.Duration(float64(took)*(1-part)/part).Round(time.Second))
}
