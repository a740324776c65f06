package daemon

import (
	"context"
	"os"
	"runtime"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/page"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

// page is the page of this daemon, with sessions and tokens of its own.
func (d *Daemon) page() *page.Page {
	return page.New(page.Options{
		Running: d.control, Log: d.log, Now: time.Now, MayChange: d.control.mayChange,
		Passwords: func() (read, change string) {
			a := &d.control.holds.Load().Admin
			return a.Password, a.ChangePassword
		},
	})
}

// mayChange reports whether the user may change things over the control socket.
func (c *control) mayChange(uid int) bool {
	group := c.holds.Load().Admin.ChangeGroup
	return group == "" || uid == 0 || uid == os.Getuid() || uid > 0 && admin.InGroup(uid, group)
}

// Rates implements page.Running.
func (c *control) Rates(step time.Duration, n int) admin.Rates { return c.top.Rates(step, n) }

// Latencies implements page.Running.
func (c *control) Latencies() []admin.Latency { return admin.Latencies(c.daemon.metrics.Registry) }

// Explain implements page.Running.
func (c *control) Explain(ctx context.Context, q *replay.Question) (*policy.Decision, policy.Verdict, error) {
	return q.Explain(ctx, Settings(c.holds.Load()))
}

// Configuration implements page.Running.
func (c *control) Configuration() []byte { return conf.Effective(c.holds.Load()) }

// Dates implements page.Running.
func (c *control) Dates() []page.Date {
	return []page.Date{
		{What: "iot-milter", When: c.daemon.version}, {What: "Go", When: runtime.Version()},
		{What: "weights", When: policy.WeightsDate}, {What: "public suffixes", When: publicsuffix.List.String()},
	}
}
