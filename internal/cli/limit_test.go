package cli

import (
	"testing"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

func TestLimitRow(t *testing.T) {
	yes, no, none, three := true, false, 0, 3
	at := time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)
	for want, l := range map[string]policy.DecisionLimit{
		"few (messages) 0 left, full, room again 2026-11-22T21:00:00Z": {Name: "few", Count: "messages", Full: &yes, Left: &none, Room: &at},
		"few (recipients) 3 left":                                      {Name: "few", Count: "recipients", Full: &no, Left: &three},
		`few (messages) helo="\x1b[2J" prefix=192.0.2.0/24`:            {Name: "few", Count: "messages", Key: map[string]string{"prefix": "192.0.2.0/24", "helo": "\x1b[2J"}},
	} {
		if got := limit(&l); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}
