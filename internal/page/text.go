package page

import (
	"fmt"
	"time"
)

// liveStep is how often the script renews what is shown.
const liveStep = 5 * time.Second

func timeText(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// tookText is a bound of a histogram; beyond the last one there is none.
func tookText(d time.Duration) string {
	if d == 0 {
		return "longer"
	}
	return "≤ " + d.String()
}

func shareText(p float64) string { return fmt.Sprintf("%.2f", p) }

func weightText(w float64) string { return fmt.Sprintf("%+.1f", w) }
