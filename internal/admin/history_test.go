package admin_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/event"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/policy"
)

// kept is the only decision of the fake's history.
var kept = policy.Decision{ID: "s1.1", Session: "s1", Client: "203.0.113.7", Class: "device", Signals: []policy.DecisionSignal{}}

func (f *fake) Search(_ context.Context, q *history.Query, yield func(*policy.Decision) bool) error {
	f.said("search %+v", *q)
	if q.Match(&kept) {
		yield(&kept)
	}
	return nil
}

func (f *fake) ForgetDecisions(_ context.Context, q *history.Query) (int, error) {
	f.said("forget %+v", *q)
	return 7, nil
}

func (f *fake) Tail() (*event.Tail, bool) {
	if f.stream == nil {
		return nil, false
	}
	return f.stream.Tail()
}

func (f *fake) Leave(t *event.Tail) { f.stream.Leave(t) }

func TestHistoryAnswers(t *testing.T) {
	f := &fake{}
	client := over(serve(t, f))
	for _, c := range []struct {
		request string
		status  int
		want    string // of the answer, or of what was asked
	}{
		{"GET /v1/history", 200, `{"decisions":[{"id":"s1.1","client":"203.0.113.7"`},
		{"GET /v1/history?id=s2", 200, `{"decisions":[]}`},
		{"GET /v1/history?client=203.0.113.0/24&class=device&limit=5", 200, "Client:203.0.113.0/24"},
		{"GET /v1/history?since=2h", 200, "Since:2026-11-22 18:00:00"},
		{"GET /v1/history?until=2026-11-22T10:00:00Z", 200, "Until:2026-11-22 10:00:00"},
		{"GET /v1/history?class=fridge", 400, `"fridge\" is no class; hint: unknown, mailserver`},
		{"GET /v1/history?device=fridge", 400, "is no device; hint: router, nas"},
		{"GET /v1/history?flag=maybe", 400, "is no flag; hint: no, suspect, yes"},
		{"GET /v1/history?klass=device", 400, "is no key of a query; hint: id, qid"},
		{"GET /v1/history?since=yesterday", 400, "is no time; hint:"},
		{"GET /v1/history?id=" + strings.Repeat("x", 256), 400, "id has more than 255 bytes"},
		{"DELETE /v1/history", 400, "nothing says which decisions"},
		{"DELETE /v1/history?client=203.0.113.7", 200, `{"decisions":7}`},
		{"DELETE /v1/history?until=now", 200, "Until:2026-11-22 20:00:00"},
		{"GET /v1/tail", 503, "too many watch"},
		{"GET /v1/tail?class=fridge", 400, "is no class"},
	} {
		f.said("nothing")
		method, path, _ := strings.Cut(c.request, " ")
		status, answer := ask(t, client, method, path, "")
		if asked := f.asked.Load().(string); status != c.status || !strings.Contains(answer, c.want) && !strings.Contains(asked, c.want) {
			t.Errorf("%s: %d %s, asked %s", c.request, status, answer, asked)
		}
	}
}

// ask returns the answer's status and body.
func ask(t *testing.T, client *http.Client, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	var b strings.Builder
	if _, err := bufio.NewReader(got.Body).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, b.String()
}

// TestAllowFromID keeps the decision with the entry.
func TestAllowFromID(t *testing.T) {
	f := &fake{}
	client := over(serve(t, f))
	status, answer := ask(t, client, "POST", "/v1/allow", `{"from_id":"s1.1","for":"1d"}`)
	if status != 200 || !strings.Contains(answer, `"what":"203.0.113.7"`) || !strings.Contains(answer, `"evidence":{"id":"s1.1"`) {
		t.Errorf("%d %s", status, answer)
	}
	if _, answer = ask(t, client, "POST", "/v1/allow", `{"from_id":"s1.1","what":"203.0.113.0/24"}`); !strings.Contains(answer, `"what":"203.0.113.0/24"`) {
		t.Error(answer)
	}
	if status, answer = ask(t, client, "POST", "/v1/allow", `{"from_id":"s2.1"}`); status != 404 || !strings.Contains(answer, "no decision of that id") {
		t.Errorf("%d %s", status, answer)
	}
}

type silent struct{}

func (silent) Record(*policy.Record) {}
func (silent) EventsDropped(int)     {}
func (silent) TailDropped(int)       {}

// decide makes a decision of a session.
func decide(s *event.Stream, id string) {
	s.Record(&policy.Record{ID: id, Facts: &policy.Facts{Client: policy.Client{Session: id}}})
}

// TestTail: decisions come as they are made, those that are wanted, until the daemon
// stops; watchers take no place of those who ask.
func TestTail(t *testing.T) {
	f := &fake{stream: event.New(silent{}, silent{})}
	socket := serve(t, f)
	type followed struct {
		lines []string
		err   error
	}
	done := make(chan followed)
	watching := make(chan struct{})
	const watchers = 10 // more than requests that are answered at once
	for range watchers {
		go func() {
			var got followed
			first := sync.OnceFunc(func() { watching <- struct{}{} })
			got.err = admin.NewClient(socket).Follow(context.Background(), "/v1/tail?id=s2", func(line []byte) error {
				got.lines = append(got.lines, string(line))
				first()
				return nil
			})
			done <- got
		}()
	}
	for n := 0; n < watchers; { // until all have seen one
		decide(f.stream, "s1")
		decide(f.stream, "s2")
		select {
		case <-watching:
			n++
		case <-time.After(20 * time.Millisecond):
		}
	}
	if status, answer := ask(t, over(socket), "GET", "/v1/top", ""); status != 200 {
		t.Errorf("while many watch: %d %s", status, answer)
	}
	f.stream.Close()
	for range watchers {
		got := <-done
		if got.err != nil || len(got.lines) == 0 {
			t.Errorf("%d lines, %v", len(got.lines), got.err)
		}
		for _, line := range got.lines {
			if !strings.Contains(line, `"id":"s2"`) || !strings.HasSuffix(line, "}\n") {
				t.Errorf("%q", line)
			}
		}
	}
}

// TestTailEndsWithTheDaemon: whoever watches does not hold its end up.
func TestTailEndsWithTheDaemon(t *testing.T) {
	f := &fake{stream: event.New(silent{}, silent{})}
	defer f.stream.Close()
	socket, stop := serveUntil(t, f)
	ended := make(chan error, 1)
	first := make(chan struct{})
	go func() {
		seen := sync.OnceFunc(func() { close(first) })
		ended <- admin.NewClient(socket).Follow(context.Background(), "/v1/tail", func([]byte) error { seen(); return nil })
	}()
	for watched := false; !watched; {
		decide(f.stream, "s1")
		select {
		case <-first:
			watched = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(fmt.Sprint("the watcher: ", err))
	}
}
