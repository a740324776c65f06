package resolve

import (
	"context"
	"sync/atomic"
	"time"
)

// Life is how long what follows from several answers holds: as long as the one that
// ends first, by the times to live of their records, and a day at most. Failures that
// may pass do not count: what follows from them is not kept. It is safe for concurrent
// use.
type Life struct{ spent atomic.Int64 } // of maxTTL

type lifeKey struct{}

// WithLife returns a context whose look-ups are told to the Life, as those of an
// httptrace.ClientTrace are.
func WithLife(ctx context.Context) (context.Context, *Life) {
	l := new(Life)
	return context.WithValue(ctx, lifeKey{}, l), l
}

// Left is how long it holds from now on. Without answers it is a day.
func (l *Life) Left() time.Duration { return maxTTL - time.Duration(l.spent.Load()) }

func lifeOf(ctx context.Context) *Life {
	l, _ := ctx.Value(lifeKey{}).(*Life)
	return l
}

// note counts an answer that holds for so long. The Life may be nil.
func (l *Life) note(a *answer, left time.Duration) {
	if l == nil || a.failed != nil && a.failed.Temporary() {
		return
	}
	for spent := int64(maxTTL - left); ; {
		if old := l.spent.Load(); old >= spent || l.spent.CompareAndSwap(old, spent) {
			return
		}
	}
}
