package conf

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. Its text has a binary unit: "64MiB".
type Size int64

var sizeUnits = []struct {
	name  string
	bytes Size
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// String returns the shortest text that parses to the same size.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return "0B"
}

func parseSize(s string) (Size, error) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/int64(u.bytes) {
			break
		}
		return Size(n) * u.bytes, nil
	}
	return 0, badf(`a whole number and KiB, MiB, GiB or TiB, such as "64MiB"`, "%q is no size", s)
}

// Percent is a share in percent, 0 to 100. Its text has the sign: "100%".
type Percent float64

func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }

func parsePercent(s string) (Percent, error) {
	digits, ok := strings.CutSuffix(s, "%")
	n, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, badf(`a number and the sign, such as "100%"`, "%q is no percentage", s)
	}
	return Percent(n), nil
}

// Rate is so many events in a time. Its text is "20/1h".
type Rate struct {
	Count int           // events, 1 to 1,000,000
	Per   time.Duration // time, 1 s to 30 d
}

func (r Rate) String() string { return strconv.Itoa(r.Count) + "/" + formatDuration(r.Per) }

func parseRate(s string) (Rate, error) {
	count, per, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(count)
	d, derr := parseDuration(per)
	if err != nil || derr != nil {
		return Rate{}, badf(`a number, a slash and a time, such as "20/1h"`, "%q is no rate", s)
	}
	if n < 1 || n > 1_000_000 || d < time.Second || d > 30*day {
		return Rate{}, badf("1 to 1000000 in 1s to 30d", "%q is out of range", s)
	}
	return Rate{Count: n, Per: d}, nil
}

// A day is always 24 hours here: these are spans, not dates.
var durationText = regexp.MustCompile(`^(?:([0-9]{1,5})d)?((?:[0-9]+(?:\.[0-9]+)?(?:h|m|s|ms|us|ns))*)$`)

func parseDuration(s string) (time.Duration, error) {
	m := durationText.FindStringSubmatch(s)
	if m == nil || s == "" {
		return 0, badf(`numbers with d, h, m, s or ms, such as "5s", "1h30m" or "35d"`, "%q is no time", s)
	}
	var d time.Duration
	if m[2] != "" {
		var err error
		if d, err = time.ParseDuration(m[2]); err != nil {
			return 0, badf(`such as "5s" or "35d"`, "%q is too long a time", s)
		}
	}
	days, _ := strconv.Atoi(m[1])
	// 100,000 days are 8.64e18 ns, just inside an int64; the sum may pass it.
	if sum := time.Duration(days)*day + d; sum >= d {
		return sum, nil
	}
	return 0, badf(`such as "5s" or "35d"`, "%q is too long a time", s)
}

func formatDuration(d time.Duration) string {
	var b strings.Builder
	if n := d / day; n > 0 {
		b.WriteString(strconv.Itoa(int(n)) + "d")
		d -= n * day
	}
	for _, u := range []struct {
		name string
		size time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", 1}} {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.Itoa(int(n)) + u.name)
			d -= n * u.size
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
