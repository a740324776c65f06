package replay

import (
	"context"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	maxPending = 8       // batches between reader and judge
	maxBatch   = 1 << 17 // bytes of input after which a batch is handed on
	maxItems   = 256     // records of a batch
)

// item is one record as it stands in a file.
type item struct {
	place place
	text  []byte
	from  string       // the sender of an mbox "From " line
	body  *policy.Body // nil where it is not wanted
}

// place is where a record begins; line 0 is a whole file.
type place struct {
	path string
	line int
}

func (p place) String() string {
	if p.line == 0 {
		return p.path
	}
	return p.path + ":" + itoa(p.line)
}

// batch is what is parsed at a time. Once done is closed, records is complete.
type batch struct {
	kind    *parser // nil where records come parsed
	items   []item
	size    int
	records []Record
	done    chan struct{}
}

// pipe carries batches from the reader over the workers to the judge, who sees
// them in the order of the input. How much is under way is bounded.
type pipe struct {
	ctx   context.Context
	jobs  chan *batch
	order chan *batch
	open  *batch
}

// add gives an item to be parsed. The text is the pipe's from now on.
func (p *pipe) add(kind *parser, it item) bool {
	b := p.batch(kind)
	b.items = append(b.items, it)
	b.size += len(it.text)
	if it.body != nil {
		b.size += it.body.Len()
	}
	return p.full(len(b.items))
}

// parser turns an item into a record; it is compared by address.
type parser struct{ parse func(*item) Record }

// batch is the open one of a kind.
func (p *pipe) batch(kind *parser) *batch {
	if p.open != nil && p.open.kind != kind {
		p.flush()
	}
	if p.open == nil {
		p.open = &batch{kind: kind, done: make(chan struct{})}
	}
	return p.open
}

// record gives a record that needs no parsing.
func (p *pipe) record(r Record) bool {
	b := p.batch(nil)
	b.records = append(b.records, r)
	return p.full(len(b.records))
}

func (p *pipe) full(n int) bool {
	if n >= maxItems || p.open.size >= maxBatch {
		return p.flush()
	}
	return p.ctx.Err() == nil
}

// flush hands the open batch on. It reports false when nobody wants more.
func (p *pipe) flush() bool {
	b := p.open
	p.open = nil
	if b == nil {
		return p.ctx.Err() == nil
	}
	select {
	case p.order <- b:
	case <-p.ctx.Done():
		return false
	}
	select {
	case p.jobs <- b:
	case <-p.ctx.Done():
		return false
	}
	return true
}

func (p *pipe) work() {
	for b := range p.jobs {
		for i := range b.items {
			b.records = append(b.records, b.kind.parse(&b.items[i]))
		}
		b.items = nil
		close(b.done)
	}
}
