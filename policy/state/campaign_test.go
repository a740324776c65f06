package state

import (
	"fmt"
	"testing"
	"time"
)

var ruleOf25 = CampaignRule{Window: 10 * time.Minute, Hosts: 25, Hold: 24 * time.Hour}

// wave sends one message from each of n networks, a second apart, and returns the
// number of the message that began the campaign, 0 if none did.
func wave(m *Memory, template Key, at time.Time, n int, asn func(int) uint32) (began int) {
	for i := range n {
		c := m.Seen(Sighting{template, m.Key(fmt.Sprint("network ", i)), asn(i), at.Add(time.Duration(i) * time.Second)}, ruleOf25)
		if c.Began && began == 0 {
			began = i + 1
		}
	}
	return began
}

func systems(n int) func(int) uint32 { return func(i int) uint32 { return uint32(64500 + i%n) } }

func unknownSystem(int) uint32 { return 0 }

func TestCampaign(t *testing.T) {
	m := memory(t, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	if began := wave(m, 1, at, 24, systems(5)); began != 0 {
		t.Errorf("began with message %d", began)
	}
	if began := wave(m, 2, at, 40, systems(5)); began != 25 {
		t.Errorf("began with message %d", began)
	}
	if began := wave(m, 3, at, 40, unknownSystem); began != 25 {
		t.Errorf("of unknown systems: %d", began)
	}
	if began := wave(m, 4, at, 40, systems(2)); began != 0 {
		t.Errorf("two autonomous systems make a campaign at message %d", began)
	}
	on := m.Campaigns(at.Add(time.Hour), 10)
	if len(on) != 2 || on[0].Messages != 40 || on[0].Networks != 40 {
		t.Errorf("%+v", on)
	}
	if len(m.Campaigns(at.Add(time.Hour), 1)) != 1 {
		t.Error("more than were asked for")
	}
}

// TestCampaignOneNetwork: whoever holds one network makes no campaign of it.
func TestCampaignOneNetwork(t *testing.T) {
	m := memory(t, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i := range 1000 {
		if c := m.Seen(Sighting{1, m.Key(fmt.Sprint(i % 20)), uint32(i), at}, ruleOf25); c.On {
			t.Fatalf("on with message %d", i)
		}
	}
}

// TestCampaignWindow: the same clients over hours are no campaign.
// TestCampaignPlace: a network counts once, also where its place among the first two came free.
func TestCampaignPlace(t *testing.T) {
	m := memory(t, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	var is Campaign
	for i, network := range []string{"one", "two", "two", "three"} {
		if i == 1 {
			at = at.Add(6 * time.Minute)
		}
		if i == 2 {
			at = at.Add(5 * time.Minute) // the first one's time is over
		}
		is = m.Seen(Sighting{1, m.Key(network), uint32(i), at}, ruleOf25)
	}
	if is.Networks != 0 {
		t.Errorf("two networks within the window, and counted are %d", is.Networks)
	}
	if is = m.Seen(Sighting{1, m.Key("four"), 4, at}, ruleOf25); is.Networks != 3 {
		t.Errorf("three networks within the window, and counted are %d", is.Networks)
	}
}

func TestCampaignWindow(t *testing.T) {
	m := memory(t, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i := range 200 {
		c := m.Seen(Sighting{1, m.Key(fmt.Sprint(i)), uint32(i), at.Add(time.Duration(i) * time.Minute)}, ruleOf25)
		if c.On {
			t.Fatalf("on with message %d, with %d networks", i, c.Networks)
		}
	}
}

func TestCampaignHold(t *testing.T) {
	m := memory(t, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	wave(m, 1, at, 30, systems(5))
	last := at.Add(29 * time.Second)
	late := Sighting{1, m.Key("late"), 1, last.Add(23 * time.Hour)}
	if c := m.Seen(late, ruleOf25); !c.On || c.Began {
		t.Errorf("%+v", c)
	}
	if c := m.Campaign(1, last.Add(46*time.Hour)); !c.On {
		t.Error("a message did not prolong it")
	}
	late.At = last.Add(48 * time.Hour)
	if c := m.Seen(late, ruleOf25); c.On {
		t.Errorf("%+v", c)
	}
	if c := m.Campaign(99, at); c.On || c.Messages != 0 {
		t.Errorf("a template that nobody sent: %+v", c)
	}
}

// TestCampaignTables: templates of one mail each push out no campaign.
func TestCampaignTables(t *testing.T) {
	m := memory(t, 100)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	wave(m, 1, at, 30, systems(5))
	for i := range 5000 {
		m.Seen(Sighting{Key(1000 + i), m.Key("network"), 1, at}, ruleOf25)
	}
	if c := m.Campaign(1, at.Add(time.Minute)); !c.On || m.campaigns.many.Len() != 1 || m.campaigns.few.Len() > 100 {
		t.Errorf("%+v, %d and %d templates", c, m.campaigns.many.Len(), m.campaigns.few.Len())
	}
	many := memory(t, 1000)
	for i := range 10_000 {
		many.Seen(Sighting{1, many.Key(fmt.Sprint(i)), uint32(i), at}, ruleOf25)
	}
	if r, _ := many.campaigns.many.Get(1); len(r.members) != 4*ruleOf25.Hosts {
		t.Errorf("%d networks are remembered", len(r.members))
	}
}

// TestCampaignClock: a clock that jumps forth and back leaves nothing on for ever.
func TestCampaignClock(t *testing.T) {
	m := memory(t, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	wave(m, 1, at.AddDate(10, 0, 0), 30, systems(5))
	if c := m.Seen(Sighting{1, m.Key("a"), 1, at}, ruleOf25); c.On || c.Messages != 1 {
		t.Errorf("%+v", c)
	}
	if began := wave(m, 1, at, 30, systems(5)); began == 0 {
		t.Error("no campaign after the jump")
	}
}

func TestSafety09Habit(t *testing.T) {
	m := memory(t, 1000)
	it := Item{Key: 1, Wide: 2, Network: 3}
	day := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	for i, want := range []bool{false, false, true, true} {
		for range 3 { // many mails of one morning are one day
			if got := m.Known(it, day.AddDate(0, 0, i)); got != want {
				t.Errorf("day %d: known %v", i, got)
			}
			if got := m.Habit(it, day.AddDate(0, 0, i)); got != want {
				t.Errorf("day %d: %v", i, got)
			}
		}
	}
	other := it
	if other.Key = 9; m.Known(other, day.AddDate(0, 0, 9)) {
		t.Error("another sender of the network is known")
	}
	if m.Known(it, day.AddDate(0, 0, 3+habitDays+1)) || m.Known(it, day.AddDate(0, 0, 1)) {
		t.Error("known too long, or too early")
	}
	if !m.Habit(it, day.AddDate(0, 0, 3+habitDays)) {
		t.Error("forgotten too early")
	}
	if m.Habit(it, day.AddDate(0, 0, 4+2*habitDays)) {
		t.Error("remembered too long")
	}
	if m.Habit(it, day.AddDate(-1, 0, 0)) {
		t.Error("a clock that was set back knows everybody")
	}
}

func BenchmarkSeen(b *testing.B) {
	m := memory(b, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Seen(Sighting{1, Key(i % 200), uint32(i % 50), at}, ruleOf25)
	}
}

func BenchmarkBucket(b *testing.B) {
	m := memory(b, 1000)
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	draws := []Draw{{Item: Item{Key: 1, Wide: 2, Network: 3}, Rate: Rate{Count: 1000, Per: time.Second, Burst: 1000}}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Take(at.Add(time.Duration(i)*time.Millisecond), draws)
	}
}
