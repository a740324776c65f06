package device

import "fmt"

// Kind is a kind of embedded device. The zero value, None, is "no device".
// The words are part of the contract with admins.
type Kind uint8

// The kinds. Other is infrastructure (switch, firewall, PDU, lights-out) and
// whatever has no word of its own.
const (
	None Kind = iota
	Router
	NAS
	Camera
	Recorder
	TV
	SetTop
	MediaPlayer
	Console
	Printer
	Phone
	Appliance
	Other
)

// Kinds are the words of the kinds, None's empty word first. Callers must not
// change it.
var Kinds = []string{"", "router", "nas", "camera", "recorder", "tv", "settop", "mediaplayer",
	"console", "printer", "phone", "appliance", "other"}

func (k Kind) String() string {
	if int(k) >= len(Kinds) {
		return "invalid"
	}
	return Kinds[k]
}

// ParseKind returns the kind that s names; "" is None.
func ParseKind(s string) (Kind, error) {
	for i, w := range Kinds {
		if w == s {
			return Kind(i), nil
		}
	}
	return None, fmt.Errorf("%q is no device kind", s)
}
