package state

import (
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// CampaignRule says when messages of one template are a campaign.
type CampaignRule struct {
	Window time.Duration // within which clients are counted
	Hosts  int           // distinct networks that make a campaign; at least 3
	Hold   time.Duration // how long it stays one after its last message
}

// minNetworks is from how many autonomous systems a campaign comes, where they are
// known (safety rule 9).
const minNetworks = 3

// Sighting is one message of a template from a suspect client.
type Sighting struct {
	Template Key
	Network  Key    // the client's /24 or /48
	ASN      uint32 // of the client; 0 is unknown
	At       time.Time
}

// Mail is a message as campaigns count it.
type Mail struct {
	Habit     Item   // what its client's network sends to the recipient's domain
	Sender    Item   // what its sender does; the zero Item is not known
	Templates [2]Key // 0 is none
	Network   Key    // the client's /24 or /48
	ASN       uint32 // of the client; 0 is unknown
	At        time.Time
}

// MailAnswer is what is known of a message.
type MailAnswer struct {
	Habit, Sender bool        // they are known
	Campaigns     [2]Campaign // of the templates; nothing where the habit is known
}

// Campaign is what is known of a template's messages.
type Campaign struct {
	Template Key
	On       bool // a campaign is declared
	Began    bool // … by this message
	Networks int  // distinct ones within the window
	Messages int64
	Since    time.Time // of the declaration
	Last     time.Time
}

// campaigns are the templates that suspects used of late. A template enters the
// large table at its third network: until then it costs one small entry, so that
// whoever writes a new template into each mail fills the small table alone.
type campaigns struct {
	few  *simplelru.LRU[Key, first]
	many *simplelru.LRU[Key, *run]
	room int // of many
	lost int64

	journal journal[Key] // of declared ones
}

// first is a template of one or two networks.
type first struct {
	a, b     member
	messages int64
}

// run is a template of more.
type run struct {
	members  []member // distinct networks, at most 4 × Hosts; the longest unseen gives way
	until    int64    // unix seconds; a campaign until then
	since    int64
	last     int64
	messages int64
}

type member struct {
	network Key
	asn     uint32
	last    int64 // unix seconds
}

// maxTemplates bounds the large table. With 25 hosts a full one takes 10 MiB.
const maxTemplates = 4096

func newCampaigns(entries int) (*campaigns, error) {
	c := &campaigns{room: min(entries, maxTemplates)}
	var err error
	if c.few, err = simplelru.NewLRU[Key, first](entries, nil); err != nil {
		return nil, err
	}
	c.many, err = simplelru.NewLRU(c.room, func(k Key, r *run) {
		if r.until > 0 {
			c.journal.note(k)
		}
	})
	return c, err
}

// Mailed notes a message and its habit, not what its sender does. Of mail whose habit is
// known nothing else is noted: it does not count (safety rule 9).
func (m *Memory) Mailed(mail Mail, rule CampaignRule) (a MailAnswer) {
	a.Sender = m.Known(mail.Sender, mail.At)
	if a.Habit = m.Habit(mail.Habit, mail.At); a.Habit {
		return a
	}
	for i, t := range mail.Templates {
		if t != 0 {
			a.Campaigns[i] = m.Seen(Sighting{Template: t, Network: mail.Network, ASN: mail.ASN, At: mail.At}, rule)
		}
	}
	return a
}

// Seen notes a message and returns what is known of its template. While a campaign
// is on each of its messages prolongs it.
func (m *Memory) Seen(s Sighting, rule CampaignRule) Campaign {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.campaigns
	r, ok := c.many.Get(s.Template)
	if !ok {
		if r = c.enter(s, rule); r == nil {
			return Campaign{Template: s.Template}
		}
	}
	is := r.see(s, rule)
	if r.until > 0 {
		c.journal.note(s.Template)
	}
	return is
}

// Campaign returns what is known of a template, and changes nothing.
func (m *Memory) Campaign(template Key, at time.Time) Campaign {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.campaigns.many.Peek(template); ok {
		return r.campaign(template, at.Unix())
	}
	return Campaign{Template: template}
}

// Campaigns returns those that are on, the one with the most messages first, at most
// n.
func (m *Memory) Campaigns(at time.Time, n int) []Campaign {
	m.mu.Lock()
	defer m.mu.Unlock()
	var on []Campaign
	for _, key := range m.campaigns.many.Keys() {
		if r, _ := m.campaigns.many.Peek(key); r.until > at.Unix() {
			on = append(on, r.campaign(key, at.Unix()))
		}
	}
	slices.SortFunc(on, func(a, b Campaign) int { return int(min(max(b.Messages-a.Messages, -1), 1)) })
	return on[:min(n, len(on))]
}

// enter takes note of a template that is not in the large table. It returns its run
// when this is its third network.
func (c *campaigns) enter(s Sighting, rule CampaignRule) *run {
	now, since := s.At.Unix(), s.At.Add(-rule.Window).Unix()
	f, _ := c.few.Get(s.Template)
	seen := member{s.Network, s.ASN, now}
	free := func(k member) bool { return k.last == 0 || !within(k.last, since, now) }
	switch { // a network has one place
	case f.a.last != 0 && f.a.network == s.Network:
		f.a = seen
	case f.b.last != 0 && f.b.network == s.Network:
		f.b = seen
	case free(f.a):
		f.a = seen
	case free(f.b):
		f.b = seen
	default:
		c.few.Remove(s.Template)
		r := &run{members: []member{f.a, f.b}, messages: f.messages}
		if c.many.Add(s.Template, r) {
			c.lost++
		}
		return r
	}
	f.messages++
	if c.few.Add(s.Template, f) {
		c.lost++
	}
	return nil
}

// within allows for times of connections that began earlier, and not for a clock
// that was set back.
func within(t, since, now int64) bool { return t >= since && t-now <= int64(clockStep/time.Second) }

func (r *run) see(s Sighting, rule CampaignRule) Campaign {
	now := s.At.Unix()
	if r.last-now > int64(clockStep/time.Second) {
		*r = run{} // the clock was set back: what is of the future tells nothing
	}
	r.messages++
	r.last = max(r.last, now)
	r.note(member{s.Network, s.ASN, now}, 4*rule.Hosts)
	began := false
	if r.until <= now && r.wide(s.At.Add(-rule.Window).Unix(), now, rule.Hosts) {
		r.since, began = now, true
		r.until = now + 1
	}
	if r.until > now {
		r.until = max(r.until, now+int64(rule.Hold/time.Second))
	}
	c := r.campaign(s.Template, now)
	c.Began = began
	return c
}

// note adds a network, or says that it was seen again.
func (r *run) note(seen member, most int) {
	oldest := 0
	for i := range r.members {
		k := &r.members[i]
		if k.network == seen.network {
			k.last, k.asn = max(k.last, seen.last), seen.asn
			return
		}
		if k.last < r.members[oldest].last {
			oldest = i
		}
	}
	if len(r.members) < most {
		r.members = append(r.members, seen)
		return
	}
	r.members[oldest] = seen
}

// wide reports whether enough networks were seen, of enough autonomous systems.
func (r *run) wide(since, now int64, hosts int) bool {
	count, unknown := 0, 0
	var systems [minNetworks]uint32
	distinct := 0
	for i := range r.members {
		k := &r.members[i]
		if !within(k.last, since, now) {
			continue
		}
		count++
		if k.asn == 0 {
			unknown++
			continue
		}
		if distinct < minNetworks && !slices.Contains(systems[:distinct], k.asn) {
			systems[distinct] = k.asn
			distinct++
		}
	}
	return count >= hosts && (distinct >= minNetworks || unknown >= hosts)
}

func (r *run) campaign(template Key, now int64) Campaign {
	return Campaign{
		Template: template, On: r.until > now, Networks: len(r.members), Messages: r.messages,
		Since: time.Unix(r.since, 0), Last: time.Unix(r.last, 0),
	}
}
