package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/iot-milter/iot-milter/policy"
)

// Search calls yield with each decision that the query is about, the newest first,
// until it returns false, the query's limit is reached or ctx ends, and returns ctx's
// error then. Decisions of other processes' versions may lack fields.
func (s *Store) Search(ctx context.Context, q *Query, yield func(*policy.Decision) bool) error {
	found := 0
	for _, g := range s.stock() {
		if !q.Since.IsZero() && g.last.Before(q.Since) || !q.Until.IsZero() && g.since.After(q.Until.Add(longest)) {
			continue
		}
		text := s.read(&g)
		for len(text) > 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			cut := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
			line := text[cut:]
			text = text[:cut]
			var d policy.Decision
			if !q.may(line) || json.Unmarshal(line, &d) != nil || !q.Match(&d) {
				continue
			}
			if found++; !yield(&d) || q.Limit > 0 && found >= q.Limit {
				return nil
			}
		}
	}
	return nil
}

// stock is a list of the segments, the newest first.
func (s *Store) stock() []segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	list := make([]segment, 0, len(s.segments)+1)
	if s.grows != nil {
		list = append(list, s.current)
	}
	for i := len(s.segments) - 1; i >= 0; i-- {
		list = append(list, s.segments[i])
	}
	return list
}

// read is a segment's lines, whole ones alone; what is corrupt is empty, counted and
// said. One that was packed meanwhile has another name, one that was pruned is gone.
func (s *Store) read(g *segment) []byte {
	text, err := s.text(g)
	if errors.Is(err, fs.ErrNotExist) && !g.packed() {
		packed := *g
		packed.name = strings.TrimSuffix(g.name, plainEnd) + packedEnd
		text, err = s.text(&packed)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.opts.Meter.HistoryUnreadable(1)
		s.say("a part of the history cannot be read: "+g.name, err)
	}
	return text[:bytes.LastIndexByte(text, '\n')+1]
}

// Forget removes the decisions that the query is about, and returns how many they
// were. Its limit does not count. What comes meanwhile waits.
func (s *Store) Forget(ctx context.Context, q *Query) (gone int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	err = s.end()
	for i := range s.segments {
		g := &s.segments[i]
		if ctx.Err() != nil {
			return gone, errors.Join(err, ctx.Err())
		}
		n, rewriteErr := s.forget(g, q)
		gone += n
		err = errors.Join(err, rewriteErr)
	}
	s.prune()
	return gone, err
}

func (s *Store) forget(g *segment, q *Query) (gone int, err error) {
	text, err := s.text(g)
	if err != nil {
		return 0, err
	}
	kept := make([]byte, 0, len(text))
	for line := range bytes.Lines(text) {
		if q.MatchLine(line) {
			gone++
			continue
		}
		kept = append(kept, line...)
	}
	if gone == 0 {
		return 0, nil
	}
	return gone, s.replace(g, kept)
}
