package daemon

import (
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// TestWatchdogIsToldOnlyOfService: nothing while a check fails or hangs, and again after that.
func TestWatchdogIsToldOnlyOfService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	told := func(within time.Duration) bool {
		notify.SetReadDeadline(time.Now().Add(within))
		n, err := notify.Read(make([]byte, 64))
		return err == nil && n > 0
	}
	d := &Daemon{log: slog.New(slog.DiscardHandler), notifies: rate.Sometimes{Interval: time.Minute}}
	answers, done := make(chan error), make(chan struct{})
	defer close(done)
	go d.watch(10*time.Millisecond, func(time.Duration) error { return <-answers }, done)
	if told(100 * time.Millisecond) {
		t.Error("told while the check hangs")
	}
	answers <- nil
	if !told(5 * time.Second) {
		t.Error("not told of a check that went well")
	}
	answers <- errors.New("no")
	if told(100 * time.Millisecond) {
		t.Error("told of a check that failed")
	}
	answers <- nil
	if !told(5 * time.Second) {
		t.Error("not told after a failure")
	}
}
