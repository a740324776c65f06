package history

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

var began = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

// past is a history with a clock of the test's.
type past struct {
	*Store
	t   *testing.T
	dir string

	mu         sync.Mutex
	at         time.Time
	up         bool
	bytes      int64
	dropped    int
	unreadable int
	log        strings.Builder
}

func (p *past) HistoryUp(on bool)       { p.up = on }
func (p *past) HistoryBytes(n int64)    { p.bytes = n }
func (p *past) HistoryDropped(n int)    { p.dropped += n }
func (p *past) HistoryUnreadable(n int) { p.unreadable += n }

func (p *past) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func newPast(t *testing.T, dir string) *past {
	return &past{t: t, dir: dir, at: began}
}

func (p *past) open(keep time.Duration, size int64) *past {
	p.t.Helper()
	p.Store = Open(Options{Dir: p.dir, Keep: keep, Size: size, Meter: p, Now: p.now,
		Log: slog.New(slog.NewTextHandler(&p.log, nil))})
	return p
}

// add keeps decisions of numbered sessions, one a second.
func (p *past) add(from, to int) {
	for i := from; i < to; i++ {
		p.mu.Lock()
		p.at = p.at.Add(time.Second)
		p.mu.Unlock()
		p.Add([]byte(line(i)))
	}
}

func line(i int) string {
	class, action := "access", "tag"
	if i%2 == 1 {
		class, action = "device", "reject"
	}
	return fmt.Sprintf(`{"id":"s%d.1","client":"203.0.%d.%d","iprev":"pass","helo":"pc-%d","from":"a%d@example.org","to":["d%d.example.test"],`+
		`"class":%q,"device":"","vendor":"","confidence":0.9,"flag":"yes","mode":"tag","verdict":"reject","action":%q,"reason":"device","exempt":"",`+
		`"time":%q,"session":"s%d","qid":"Q%d","stage":"eom","rcpts":1,"signals":[]}`+"\n",
		i, i/250%250, i%250, i, i, i%7, class, action, began.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i, i)
}

// ids are those of the decisions that the query finds.
func (p *past) ids(q Query) (ids []string) {
	p.t.Helper()
	if err := p.Search(p.t.Context(), &q, func(d *policy.Decision) bool { ids = append(ids, d.ID); return true }); err != nil {
		p.t.Fatal(err)
	}
	return ids
}

func (p *past) files() (names []string) {
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

const week = 7 * 24 * time.Hour

func TestSearch(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	p.add(0, 5000) // several segments
	for name, c := range map[string]struct {
		q    Query
		want []string // "" is not compared
		n    int
	}{
		"all":         {Query{}, nil, 5000},
		"newest":      {Query{Limit: 3}, []string{"s4999.1", "s4998.1", "s4997.1"}, 3},
		"id":          {Query{ID: "s77.1"}, []string{"s77.1"}, 1},
		"session":     {Query{ID: "s77"}, []string{"s77.1"}, 1},
		"queue id":    {Query{QueueID: "Q4242"}, []string{"s4242.1"}, 1},
		"client":      {Query{Client: netip.MustParsePrefix("203.0.3.7/32")}, []string{"s757.1"}, 1},
		"network":     {Query{Client: netip.MustParsePrefix("203.0.3.0/24")}, nil, 250},
		"domain":      {Query{To: "D3.example.test"}, nil, 714},
		"from":        {Query{From: "A9@example.org"}, []string{"s9.1"}, 1},
		"from domain": {Query{From: "example.org"}, nil, 5000},
		"class":       {Query{Class: "device", Action: "reject"}, nil, 2500},
		"none":        {Query{Class: "hosting"}, nil, 0},
		"time":        {Query{Since: began.Add(10 * time.Second), Until: began.Add(12 * time.Second)}, []string{"s12.1", "s11.1", "s10.1"}, 3},
		"part of id":  {Query{ID: "s7"}, []string{"s7.1"}, 1},
	} {
		got := p.ids(c.q)
		if len(got) != c.n || c.want != nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: %d found, the newest is %q", name, len(got), append(got, "")[0])
		}
	}
	if n := len(p.files()); n < 2 || !p.up || p.dropped != 0 {
		t.Errorf("%d files, up %v, %d dropped", n, p.up, p.dropped)
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if p.Flush(); p.bytes == 0 || p.bytes > 300_000 {
		t.Errorf("5,000 decisions take %d bytes", p.bytes)
	}
}

// TestKilled: what a killed process wrote is there, but for the piece of a line.
func TestKilled(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	p.add(0, 10)
	p.Flush()
	name := filepath.Join(p.dir, p.current.name) // it is never closed
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"id":"half`)
	f.Close()
	os.WriteFile(filepath.Join(p.dir, "0000000000000001.jsonl.zst.new"), []byte("half"), 0o600)
	p.open(week, 64<<20)
	p.add(10, 12)
	if ids := p.ids(Query{}); len(ids) != 12 || ids[0] != "s11.1" || ids[2] != "s9.1" {
		t.Errorf("%q", ids)
	}
	for _, f := range p.files() {
		if strings.HasSuffix(f, ".new") {
			t.Errorf("%s is left", f)
		}
	}
}

// TestSafety21Bounds: what is too old goes, and the oldest where there is too much.
func TestSafety21Bounds(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 60<<10)
	for day := range 30 {
		p.at = began.AddDate(0, 0, day)
		p.add(500*day, 500*(day+1))
		p.Flush()
		if p.bytes > 60<<10+2*flushSize {
			t.Fatalf("day %d: %d bytes", day, p.bytes)
		}
	}
	if ids := p.ids(Query{}); len(ids) < 400 || len(ids) > 9*500 || ids[0] != "s14999.1" {
		t.Errorf("%d are kept, the newest is %q", len(ids), append(ids, "")[0])
	}
	p.at = p.at.Add(week + 25*time.Hour)
	p.add(0, 1)
	p.Flush() // ends the segment of then
	p.Flush()
	p.at = p.at.Add(week + time.Hour)
	if p.Flush(); len(p.ids(Query{})) != 0 || p.bytes != 0 {
		t.Errorf("%d are kept a week later", len(p.ids(Query{})))
	}
	if !p.Wants() {
		t.Error("wants no lines of a week")
	}
	if p.Bound(0, 1<<20); p.Wants() {
		t.Error("wants lines of 0 days")
	}
	p.add(0, 10)
	if p.Flush(); len(p.files()) != 0 {
		t.Errorf("0 days keep %q", p.files())
	}
}

func TestClockSetBack(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	for i := range 5 {
		p.at = began.Add(-time.Duration(i) * 24 * time.Hour)
		p.add(i, i+1)
		p.Flush()
		if err := p.end(); err != nil {
			t.Fatal(err)
		}
	}
	if ids := p.ids(Query{}); len(ids) != 5 || ids[0] != "s4.1" || p.dropped != 0 {
		t.Errorf("%q, %d dropped", ids, p.dropped)
	}
}

// TestCorrupt costs its own segment alone.
func TestCorrupt(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	for i := range 3 {
		p.at = p.at.Add(time.Minute)
		p.add(100*i, 100*i+100)
		p.Flush()
		if err := p.end(); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(p.dir, p.files()[1])
	packed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range packed[len(packed)/2:] {
		packed[len(packed)/2+i] ^= 0x5a
	}
	os.WriteFile(name, packed, 0o600)
	os.WriteFile(filepath.Join(p.dir, "0000000000000007.jsonl"), []byte("no json\n{\"id\":\n\x00\n"), 0o600)
	os.WriteFile(filepath.Join(p.dir, "README"), []byte("somebody's"), 0o600)
	os.Mkdir(filepath.Join(p.dir, "0000000000000009.jsonl"), 0o700)
	p.open(100*365*24*time.Hour, 64<<20)
	if ids := p.ids(Query{}); len(ids) < 200 || len(ids) >= 300 || p.unreadable == 0 {
		t.Errorf("%d found, %d unreadable", len(ids), p.unreadable)
	}
	if !strings.Contains(p.log.String(), "cannot be read") {
		t.Error(p.log.String())
	}
	if !slices.Contains(p.files(), "README") {
		t.Error("somebody else's file is gone")
	}
}

func TestSafety21Forget(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	p.add(0, 3000)
	client := Query{Client: netip.MustParsePrefix("203.0.3.7/32")}
	if n, err := p.Forget(t.Context(), &client); n != 1 || err != nil {
		t.Errorf("%d forgotten, %v", n, err)
	}
	p.add(3000, 3001)
	if len(p.ids(client)) != 0 || len(p.ids(Query{})) != 3000 {
		t.Errorf("%d of the client, %d in all", len(p.ids(client)), len(p.ids(Query{})))
	}
	for _, f := range p.files() {
		text, err := p.text(&segment{name: f})
		if err != nil || strings.Contains(string(text), "203.0.3.7\"") {
			t.Errorf("%s: %v, the client is in it still", f, err)
		}
	}
	if n, err := p.Forget(t.Context(), &Query{}); n != 3000 || err != nil || len(p.files()) != 0 {
		t.Errorf("%d forgotten, %v, files %q", n, err, p.files())
	}
}

// TestCannotPack: text that cannot be packed is kept as it is, nothing is lost or told
// to be, and the next start packs it.
func TestCannotPack(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	p.add(0, 10)
	p.Flush()
	inTheWay := filepath.Join(p.dir, strings.TrimSuffix(p.current.name, plainEnd)+packedEnd+newEnd)
	if err := os.MkdirAll(filepath.Join(inTheWay, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.add(10, 3000) // more than a segment
	p.Flush()
	if n := len(p.ids(Query{})); n != 3000 || p.dropped != 0 || !p.up || !strings.Contains(p.log.String(), "cannot be packed") {
		t.Errorf("%d kept, %d dropped, up %v: %s", n, p.dropped, p.up, &p.log)
	}
	if err := os.RemoveAll(inTheWay); err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.open(week, 64<<20)
	for _, f := range p.files() {
		if !strings.HasSuffix(f, packedEnd) {
			t.Errorf("%s is not packed", f)
		}
	}
	if n := len(p.ids(Query{})); n != 3000 {
		t.Errorf("%d kept", n)
	}
}

// TestSearchBeside goes on while lines come and segments are packed.
func TestSearchBeside(t *testing.T) {
	p := newPast(t, t.TempDir()).open(week, 64<<20)
	p.add(0, 100)
	added := make(chan struct{})
	go func() { defer close(added); p.add(100, 20_000) }()
	for done := false; !done; {
		select {
		case <-added:
			done = true
		default:
		}
		if n := len(p.ids(Query{Limit: 100})); n != 100 {
			t.Fatalf("%d are found", n)
		}
	}
	if n := len(p.ids(Query{})); n != 20_000 {
		t.Errorf("%d are kept", n)
	}
}

// BenchmarkSearch is for one id in a history of 50,000 decisions.
func BenchmarkSearch(b *testing.B) {
	p := &past{dir: b.TempDir(), at: began}
	p.Store = Open(Options{Dir: p.dir, Keep: week, Size: 64 << 20, Meter: p, Now: p.now, Log: slog.New(slog.DiscardHandler)})
	p.add(0, 50_000)
	for b.Loop() {
		p.Search(b.Context(), &Query{ID: "s1.1"}, func(*policy.Decision) bool { return true })
	}
}

func BenchmarkAdd(b *testing.B) {
	p := &past{dir: b.TempDir(), at: began}
	p.Store = Open(Options{Dir: p.dir, Keep: week, Size: 1 << 20, Meter: p, Now: p.now, Log: slog.New(slog.DiscardHandler)})
	one := []byte(line(1))
	for b.Loop() {
		p.Add(one)
	}
}
