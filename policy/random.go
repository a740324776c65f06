package policy

import (
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// A local part that is judged has so many bytes: shorter ones say nothing, longer
// ones are made by mailing lists.
const (
	minRandom = 5
	maxRandom = 20

	randomConsonants = 5 // in a row: no word or name of most languages has more than four
	randomSwitches   = 3 // between letters and digits: people append a year, a machine mixes
)

// senderRandom finds a sender whose local part was thrown by dice. Signs other
// than letters and digits acquit: mailing lists and services number their
// envelope senders, with signs between.
func senderRandom(f *Facts, out *Findings) {
	from := f.Envelope.From.String()
	local := from[:max(0, strings.LastIndexByte(from, '@'))]
	if isRandom(local) {
		out.Add(StatusFail, "from", from)
	}
}

func isRandom(local string) bool {
	if len(local) < minRandom || len(local) > maxRandom {
		return false
	}
	row, rows, switches, digits := 0, 0, 0, false
	for i := range len(local) {
		c := lower(local[i])
		digit := '0' <= c && c <= '9'
		switch {
		case digit, strings.IndexByte("aeiouy", c) >= 0:
			row = 0
		case 'a' <= c && c <= 'z':
			row++
			rows = max(rows, row)
		default:
			return false
		}
		if i > 0 && digit != digits {
			switches++
		}
		digits = digit
	}
	return rows >= randomConsonants || switches >= randomSwitches
}

// msgIDSingle is a message that no host has handled before the client, and whose
// Message-ID was made by a machine with a name of one word: mail programs for
// people and devices make it so, and do not hand mail to an MX. Names of devices
// are msg-id-host's.
func msgIDSingle(f *Facts, out *Findings) {
	if f.Headers == nil || f.Headers.Received > 0 {
		return
	}
	host := idHost(f.Headers.MessageID.String())
	if host == "" || isOwnHost(f, host) {
		return
	}
	if n := f.Table.Parse(host, f.Client.Addr); n.Shape == device.ShapeSingle && n.Kind == device.None {
		out.Add(StatusFail, "message-id", host)
	}
}
