package page

import (
	"context"
	"errors"
	"net/http"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/policy"
)

func (p *Page) search(ctx context.Context, q *history.Query) (found []policy.Decision, err error) {
	err = p.o.Running.Search(ctx, q, func(d *policy.Decision) bool {
		found = append(found, *d)
		return q.Limit == 0 || len(found) < q.Limit
	})
	return found, err
}

func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "the search took too long: narrow it by since, until or client"
	}
	return err.Error()
}

// statusOf is that of an error: the asker's, or our own.
func statusOf(err error) int {
	var no *admin.Refusal
	switch {
	case errors.As(err, &no):
		return no.Status
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
