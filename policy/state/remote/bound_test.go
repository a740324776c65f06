package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// TestBound: what announces more than memory may hold ends the connection, wherever it stands.
func TestBound(t *testing.T) {
	for answer, fits := range map[string]bool{
		"+OK\r\n": true, "-ERR no\r\n": true, ":1\r\n": true, "$-1\r\n": true, "$5\r\nhello\r\n": true,
		"*2\r\n:9223372036854775807\r\n:-5\r\n":   true, // a script's answer
		"*1\r\n$30\r\n" + strings.Repeat("9", 30): true,
		"$4194304\r\n":                             true,
		"$4194305\r\n":                             false,
		"*2036854775807\r\n":                       false,
		"*+2036854775807\r\n":                      false,
		"*00000000000000000000000000009999999\r\n": false,
		"*99999999999999999999\r\n":                false,
		"*1\r\n*2036854775807\r\n":                 false,
		"$20\r\n*2036854775807\r\n":                false, // within a text
		"*2097152\r\n*2097152\r\n*1\r\n":           false, // in sum
		"%2036854775807\r\n":                       false,
	} {
		for _, step := range []int{1, 7, 64} {
			ours, theirs := net.Pipe()
			go func() {
				for rest := answer; rest != ""; {
					n := min(step, len(rest))
					if _, err := theirs.Write([]byte(rest[:n])); err != nil {
						return
					}
					rest = rest[n:]
				}
				theirs.Close()
			}()
			conn, err := bound(func(context.Context, string, string) (net.Conn, error) { return ours, nil })(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn)
			if fits && (err != nil || string(got) != answer) || !fits && !errors.Is(err, errTooLong) {
				t.Errorf("%q in steps of %d: %q %v", answer, step, got, err)
			}
			ours.Close()
		}
	}
}
