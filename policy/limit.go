package policy

import (
	"math"
	"time"
)

// LimitUse is a limit that counted a message, and what is left of it; or one that would
// count it, and by what.
type LimitUse struct {
	Name       string
	Recipients bool // counts recipients, not messages

	Full bool      // too little was left
	Left float64   // messages or recipients
	Room time.Time // when it has room again; zero where it has

	// Key is what it counts by, where nothing was counted: its parts' names and values,
	// the clients' text. Nil where something was.
	Key map[string]string
}

// DecisionLimit is a LimitUse in a Decision.
type DecisionLimit struct {
	Name  string            `json:"name"`
	Count string            `json:"count"` // messages or recipients
	Full  *bool             `json:"full,omitempty"`
	Left  *int              `json:"left,omitempty"` // below zero is a debt
	Room  *time.Time        `json:"room,omitempty"` // when it has room again, where it has none
	Key   map[string]string `json:"key,omitempty"`  // where nothing was counted
}

func (u *LimitUse) decision() DecisionLimit {
	d := DecisionLimit{Name: u.Name, Count: u.count(), Key: u.Key}
	if u.Key != nil {
		return d
	}
	full, left := u.Full, u.left()
	d.Full, d.Left = &full, &left
	if !u.Room.IsZero() {
		at := u.room()
		d.Room = &at
	}
	return d
}

func (u *LimitUse) count() string {
	if u.Recipients {
		return "recipients"
	}
	return "messages"
}

func (u *LimitUse) left() int { return int(math.Floor(u.Left)) }

// room is rounded up to seconds: nobody comes too early by it.
func (u *LimitUse) room() time.Time {
	return u.Room.UTC().Add(time.Second - 1).Truncate(time.Second)
}
