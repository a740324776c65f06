package conf

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// checkRange judges v by the tag "least..greatest". NaN is in no range.
func checkRange(v reflect.Value, raw any, tag string) *valueError {
	if tag == "" {
		return nil
	}
	least, greatest, open := cutRange(tag)
	lo, hi, x := bound(least, v.Type()), bound(greatest, v.Type()), number(v)
	if open && x > lo && x < hi || !open && x >= lo && x <= hi {
		return nil
	}
	return outOfRange(raw, tag)
}

func outOfRange(raw any, tag string) *valueError {
	least, greatest, open := cutRange(tag)
	hint := "from " + least + " to " + greatest
	if open {
		hint = "above " + least + " and below " + greatest
	}
	text := fmt.Sprint(raw)
	if f, ok := raw.(float64); ok {
		text = formatFloat(f)
	}
	return badf(hint, "%s is out of range", text)
}

func cutRange(tag string) (least, greatest string, open bool) {
	inner := strings.Trim(tag, "()")
	least, greatest, _ = strings.Cut(inner, "..")
	return least, greatest, inner != tag
}

// bound reads one end of a range in the notation of the type. A tag that does
// not parse is caught by the tests, which read them all.
func bound(s string, t reflect.Type) float64 {
	if c, ok := codecs[t]; ok {
		x, err := c.parse(s)
		if err != nil {
			return 0
		}
		return number(reflect.ValueOf(x))
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f
}

func number(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	return 0
}

// formatFloat writes a float that TOML reads as one.
func formatFloat(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.ContainsAny(s, ".IN") {
		s += ".0"
	}
	return s
}
