package daemon

import (
	"regexp"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/iot-milter/iot-milter/policy"
)

// dates are the days of the data that are built in, zero where one is unknown.
func dates() map[string]time.Time {
	weights, _ := time.Parse(time.DateOnly, policy.WeightsDate)
	// The list says its revision and when that was made.
	suffixes, _ := time.Parse(time.DateOnly, regexp.MustCompile(`\d{4}-\d\d-\d\d`).FindString(publicsuffix.List.String()))
	return map[string]time.Time{"weights": weights, "suffixes": suffixes}
}
