package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/milter"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/decider"
	"github.com/iot-milter/iot-milter/policy/state"
)

// filter is a decider, behind a milter server in this process on a UNIX socket if it
// is to be, with a clock that the scene sets. Its sessions come one after another, which makes a run repeatable.
type filter struct {
	decider  policy.Decider
	enforce  func() // ends the days of mode tag; the first call counts
	silent   bool   // nothing is recorded
	socket   string
	evidence evidence
	memory   *state.Memory
	server   *milter.Server // nil: the decider is asked directly
	done     chan error

	clock    atomic.Int64
	sessions atomic.Int64

	mu sync.Mutex
	// Of the session under way, which the server has ended when it closes the socket.
	judged  []judged
	began   int
	trouble int
}

// judged is how a message was judged.
type judged struct {
	class  policy.Class
	flag   policy.Flag
	action policy.Action
	reason string
}

// newFilter decides by the configuration.
func newFilter(c *configuration, sc *scene, o *options) (*filter, error) {
	f := &filter{done: make(chan error, 1)}
	f.evidence.world, f.evidence.names = sc.world, o.names
	var err error
	if f.memory, err = state.New(state.Options{Entries: o.entries, Secret: [16]byte{1, byte(sc.seed)}}); err != nil {
		return nil, err
	}
	if c.peers != nil {
		f.decider, f.silent, f.enforce = &peers{memory: f.memory, rate: *c.peers}, true, func() {}
		return f, nil
	}
	s := enforcing()
	s.Evidence = &f.evidence
	if o.hosts > 0 {
		s.Campaign.Hosts = o.hosts
	}
	if o.window > 0 {
		s.Campaign.Window = o.window
	}
	c.settings(s)
	watching := *s
	watching.Rules.Mode = policy.ModeTag
	d := decider.New(decider.Options{Recorder: f, Meter: f, Log: nowhere, Now: f.now, State: f.memory}, &watching)
	f.decider, f.enforce = d, sync.OnceFunc(func() { d.Swap(s) })
	return f, nil
}

// nowhere is the log of what the report counts.
var nowhere = slog.New(slog.DiscardHandler)

// listen serves it at a socket.
func (f *filter) listen(socket string) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	f.socket = socket
	f.server = milter.New(milter.Options{
		Decider: f.decider, Log: nowhere, Meter: f, Now: f.now, NewID: f.newID,
		Limits: milter.Limits{Sessions: 100, Idle: time.Hour, Frame: time.Minute, Grace: time.Second},
	})
	go func() { f.done <- f.server.Serve(l) }()
	return nil
}

func (f *filter) newID() string { return "s" + strconv.FormatInt(f.sessions.Add(1), 36) }

func (f *filter) now() time.Time { return time.Unix(0, f.clock.Load()).UTC() }

func (f *filter) close() error {
	if f.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := f.server.Shutdown(ctx)
	if served := <-f.done; !errors.Is(served, milter.ErrClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Record implements policy.Recorder.
func (f *filter) Record(r *policy.Record) {
	if f.silent {
		return
	}
	j := judged{action: r.Action, reason: r.Reason}
	if r.Judgement != nil {
		j.class, j.flag = r.Judgement.Class, r.Judgement.Flag
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.judged); r.End != policy.EndRefused && n > 0 && f.judged[n-1].action >= policy.ActionLimit && r.Rcpts == 0 {
		return // the message whose only recipient was refused
	}
	f.judged = append(f.judged, j)
}

// The rest implements the meters of decider and milter.

func (f *filter) CampaignBegan() {
	f.mu.Lock()
	f.began++
	f.mu.Unlock()
}

func (f *filter) FailOpen(string)     { f.wrong() }
func (f *filter) NamesSuspended(bool) { f.wrong() }
func (f *filter) ClientHidden(bool)   { f.wrong() }
func (f *filter) LimitedBystander()   {}
func (f *filter) CampaignMessage()    {}
func (f *filter) Event(e milter.Event) {
	if e != milter.EventSession && e != milter.EventBody {
		f.wrong()
	}
}

// wrong counts what no session of the scene should meet with.
func (f *filter) wrong() {
	f.mu.Lock()
	f.trouble++
	f.mu.Unlock()
}

// begin sets the scene for a session: its time, its host, and mode enforce from the
// day on. It forgets the last session's judgements; takes returns this one's and how
// many campaigns it declared.
func (f *filter) begin(e *event) {
	f.clock.Store(e.at.UnixNano())
	f.evidence.now.Store(e.host)
	if e.phase != phaseHistory {
		f.enforce()
	}
	f.mu.Lock()
	f.judged, f.began = f.judged[:0], 0
	f.mu.Unlock()
}

func (f *filter) takes() ([]judged, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.judged, f.began
}

func (f *filter) Sessions(int) {}
