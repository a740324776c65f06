package state

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// Unix is a time in seconds since 1970, up to 2106; 0 is never.
type Unix uint32

// Time is the time as others know it; never is the zero time.
func (u Unix) Time() time.Time {
	if u == 0 {
		return time.Time{}
	}
	return time.Unix(int64(u), 0)
}

func unix(at time.Time) Unix { return Unix(min(max(at.Unix(), 1), math.MaxUint32)) }

// Host is what earlier sessions of one address showed: history, never a verdict
// (safety rule 7). Counts stop at their largest value. The zero Host was never seen.
// It holds no pointer, so that the collector passes a million of them by.
type Host struct {
	First, Last Unix   // session
	Shown       Unix   // the last session that showed Device
	Sessions    uint16 // in all
	Suspect     uint16 // of them with flag suspect
	Flagged     uint16 // of them with flag yes
	Days        uint16 // distinct ones (UTC) with a session
	Shows       uint16 // sessions that showed Device since another kind was shown
	Device      device.Kind
	// Classes counts sessions by class. Before one would pass 255 all are halved: they
	// tell shares, late sessions weighing most.
	Classes [policy.ClassDevice + 1]uint8
	// Wide says that this is no host: its network holds its share of the table, and these
	// are the counts of all its hosts that found no room. Of a neighbour that
	// proves nothing, so neither Device nor Classes are kept.
	Wide bool
}

// Visit is one session of a host.
type Visit struct {
	At    time.Time
	Flag  policy.Flag
	Class policy.Class
	// Device is the kind that findings of the client family showed, if they did: what
	// is behind the address is no neighbour then.
	Device device.Kind
}

// hostKeep is for how long a host is remembered without a session.
const hostKeep = 90 * 24 * time.Hour

// over reports whether the host was unused for too long, or is of the future: then
// the clock was set back, and what it says of then tells nothing.
func (h *Host) over(now Unix) bool {
	unused := int64(now) - int64(h.Last)
	return unused > int64(hostKeep/time.Second) || unused < -int64(clockStep/time.Second)
}

// note adds a session.
func (h *Host) note(v *Visit, now Unix) {
	if h.Sessions == 0 {
		h.First = now
	}
	if now/daySeconds > h.Last/daySeconds {
		more(&h.Days)
	}
	h.First, h.Last = min(h.First, now), max(h.Last, now)
	more(&h.Sessions)
	switch v.Flag {
	case policy.FlagSuspect:
		more(&h.Suspect)
	case policy.FlagYes:
		more(&h.Flagged)
	}
	if h.Wide {
		return
	}
	if v.Device != device.None {
		if v.Device != h.Device {
			h.Device, h.Shows = v.Device, 0
		}
		h.Shown = max(h.Shown, now)
		more(&h.Shows)
	}
	if int(v.Class) < len(h.Classes) {
		h.class(v.Class)
	}
}

func (h *Host) class(c policy.Class) {
	if h.Classes[c] == math.MaxUint8 {
		for i := range h.Classes {
			h.Classes[i] /= 2
		}
	}
	h.Classes[c]++
}

func more(n *uint16) {
	if *n < math.MaxUint16 {
		*n++
	}
}

// Stale reports whether the host tells nothing at a time: it was unused for too long, or
// the clock was set back since.
func (h *Host) Stale(at time.Time) bool { return h.Sessions == 0 || h.over(unix(at)) }

// Join returns what is known at least where two have kept count, of sessions that may be
// the same: of each count the larger one. What is known of a host beats what is known
// of its network.
func (h Host) Join(other Host) Host {
	switch {
	case other.Sessions == 0 || other.Wide && !h.Wide && h.Sessions > 0:
		return h
	case h.Sessions == 0 || h.Wide && !other.Wide:
		return other
	}
	if other.Shown > h.Shown || other.Shown == h.Shown && other.Shows > h.Shows {
		h.Device, h.Shown, h.Shows = other.Device, other.Shown, other.Shows
	}
	h.First, h.Last = min(h.First, other.First), max(h.Last, other.Last)
	h.Sessions, h.Days = max(h.Sessions, other.Sessions), max(h.Days, other.Days)
	h.Suspect, h.Flagged = max(h.Suspect, other.Suspect), max(h.Flagged, other.Flagged)
	for i := range h.Classes {
		h.Classes[i] = max(h.Classes[i], other.Classes[i])
	}
	return h
}

// Stored is the host as it is stored, on a disk or where hosts share it.
func (h *Host) Stored() []byte { return h.append(make([]byte, 0, hostSize)) }

// ParseHost reads a stored host; ok is false where it is none. Wide is the caller's to
// say.
func ParseHost(b []byte) (h Host, ok bool) {
	ok = h.parse(b)
	return h, ok
}

// HostKeep is for how long a host is remembered without a session.
const HostKeep = hostKeep

// hostSize is how many bytes a stored host takes.
const hostSize = 3*4 + 5*2 + 1 + int(policy.ClassDevice+1)

// append writes the host as it is stored. Wide is told by its key.
func (h *Host) append(b []byte) []byte {
	for _, n := range [...]Unix{h.First, h.Last, h.Shown} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	for _, n := range [...]uint16{h.Sessions, h.Suspect, h.Flagged, h.Days, h.Shows} {
		b = binary.LittleEndian.AppendUint16(b, n)
	}
	return append(append(b, byte(h.Device)), h.Classes[:]...)
}

func (h *Host) parse(b []byte) bool {
	if len(b) != hostSize || int(b[22]) >= len(device.Kinds) {
		return false
	}
	time, count := binary.LittleEndian.Uint32, binary.LittleEndian.Uint16
	h.First, h.Last, h.Shown = Unix(time(b)), Unix(time(b[4:])), Unix(time(b[8:]))
	h.Sessions, h.Suspect, h.Flagged, h.Days, h.Shows = count(b[12:]), count(b[14:]), count(b[16:]), count(b[18:]), count(b[20:])
	h.Device = device.Kind(b[22])
	copy(h.Classes[:], b[23:])
	return h.Sessions > 0
}

// hostKey is an address (IPv4 as ::ffff:0:0/96), or a network whose hosts are counted
// as one.
type hostKey [16]byte

func keyOf(a netip.Addr) hostKey { return a.As16() }

// What an address of IPv4 begins with, and its network: there nobody has an address
// (::/8 is reserved, RFC 4291).
var (
	mapped     = [12]byte{10: 0xff, 11: 0xff}
	mappedWide = [12]byte{9: 0xff, 10: 0xff, 11: 0xff}
)

// ones end the key of a /48. Who has the address that is spelled so sends under the
// counts of the own network.
var ones = [10]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func (k *hostKey) wide() bool { return [10]byte(k[6:]) == ones || [12]byte(k[:12]) == mappedWide }

// widen is the key under which hosts of its network are counted together.
func (k hostKey) widen() hostKey {
	if [12]byte(k[:12]) == mapped {
		k[9], k[15] = 0xff, 0
	} else {
		copy(k[6:], ones[:])
	}
	return k
}

// addr is the host's address, or the first one of its network.
func (k hostKey) addr() netip.Addr {
	switch {
	case [12]byte(k[:12]) == mappedWide:
		k[9] = 0
	case k.wide():
		clear(k[6:])
	}
	return netip.AddrFrom16(k).Unmap()
}

// holder is who can hold a share of the table at most: a /24 or /48. Those of IPv4 are
// in 0::/24, where there are none of IPv6.
type holder [6]byte

func (k *hostKey) holder() holder {
	if [12]byte(k[:12]) == mapped {
		return holder{3: k[12], 4: k[13], 5: k[14]}
	}
	return holder(k[:6])
}
