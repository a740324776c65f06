package policy

import (
	"time"

	"github.com/iot-milter/iot-milter/policy/device"
)

// Past is what earlier sessions of the client's address showed. It is history, of
// whoever had the address, and never a verdict. The zero value is "never seen".
type Past struct {
	Sessions int         // in all
	Suspect  int         // of them with the flag Suspect or Yes
	Days     int         // distinct ones with a session
	Device   device.Kind // the last that findings of the client family showed …
	Shown    time.Time   // … and when
}

const (
	// pastDevice is how long a device that was seen counts: lines change their
	// addresses, and addresses their lines.
	pastDevice = 7 * 24 * time.Hour
	// What came on so many days, so often, and was never suspect, is a regular.
	regularDays     = 5
	regularSessions = 20
)

// historyDevice is an address where a device sent mail not long ago.
func historyDevice(f *Facts, out *Findings) {
	p := &f.Past
	if p.Device == device.None || p.Shown.IsZero() {
		return
	}
	if gone := f.Client.At.Sub(p.Shown); gone >= 0 && gone < pastDevice {
		out.Add(StatusFail, "seen", p.Device.String()).On(p.Device, "")
	}
}

// Regular reports whether the address has sent for days and was never suspect.
func (p *Past) Regular() bool {
	return p.Days >= regularDays && p.Sessions >= regularSessions && p.Suspect == 0
}

// historyRegular is an address that has sent for days and was never suspect.
func historyRegular(f *Facts, out *Findings) {
	if f.Past.Regular() {
		out.Add(StatusPass, "seen", "regularly")
	}
}
