package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

// maxLine is the longest line of JSON that is read, in bytes.
const maxLine = 4 << 20

// entry is one line of JSON. An absent or null key is an unknown fact.
type entry struct {
	ID         idText      `json:"id"`
	ClientIP   *string     `json:"client_ip"`
	ClientName *string     `json:"client_name"`
	NameState  *string     `json:"name_state"`
	Unverified *string     `json:"ptr_unverified"`
	HELO       *string     `json:"helo"`
	MailFrom   *string     `json:"mail_from"`
	Headers    [][2]string `json:"headers"`
	Time       *string     `json:"time"`
}

// idText is an identifier: text, or a number as it is written.
type idText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *idText) UnmarshalJSON(text []byte) error {
	var s string
	switch {
	case bytes.Equal(text, []byte("null")):
		return nil
	case len(text) > 0 && text[0] == '"':
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		*t = idText(s)
	default:
		*t = idText(text)
	}
	return nil
}

func (s *source) jsonl(path string, l *lines) error {
	for {
		line, long, err := l.next(maxLine)
		if err != nil {
			return err
		}
		at := place{path, l.number}
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		ok := true
		switch {
		case long:
			ok = s.out.record(Record{Place: at.String(), Damage: "a line longer than 4 MiB"})
		case len(bytes.TrimSpace(line)) > 0:
			ok = s.out.add(&jsonParser, item{place: at, text: bytes.Clone(line)})
		}
		if !ok {
			return nil
		}
	}
}

var jsonParser = parser{parseEntry}

func parseEntry(it *item) Record {
	var e entry
	if err := json.Unmarshal(it.text, &e); err != nil {
		return Record{Place: it.place.String(), Damage: "no JSON record: " + jsonTrouble(err)}
	}
	r := Record{ID: string(e.ID), Place: it.place.String()}
	if e.ClientIP != nil && *e.ClientIP != "" {
		if r.Client.Addr = policy.ParseAddr(*e.ClientIP); !r.Client.Addr.IsValid() {
			return Record{Place: it.place.String(), Damage: "client_ip is no address"}
		}
	}
	r.Client.Name, r.Client.Iprev = e.name()
	if e.HELO != nil {
		r.Greeting.Name = policy.Seen(policy.ClipName(*e.HELO))
	}
	if e.MailFrom != nil {
		r.Envelope.From = policy.Seen(address(*e.MailFrom))
	}
	if e.Time != nil {
		at, err := time.Parse(time.RFC3339, *e.Time)
		if err != nil {
			r.Note = "a time that is not RFC 3339 counts as unknown"
		}
		r.Client.At = at
	}
	if e.Headers != nil {
		r.Headers = new(policy.Headers)
		for i := range e.Headers {
			r.Headers.Add([]byte(e.Headers[i][0]), bytes.TrimLeft([]byte(e.Headers[i][1]), " \t"))
		}
	}
	return r
}

// jsonTrouble says what is wrong without quoting the recording.
func jsonTrouble(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return wrong.Field + " has the wrong type"
	}
	if errors.As(err, &wrong) {
		return "no object"
	}
	return err.Error()
}

// name is what the record says about the PTR name and its confirmation.
func (e *entry) name() (policy.Text, policy.Iprev) {
	confirmed, claimed := hostName(e.ClientName), hostName(e.Unverified)
	state := ""
	if e.NameState != nil {
		state = *e.NameState
	}
	switch state {
	case "verified":
		if confirmed == "" {
			return policy.Text{}, policy.IprevUnknown
		}
		return policy.Seen(confirmed), policy.IprevPass
	case "none":
		return policy.Text{}, policy.IprevPermError
	case "forged":
		return seenName(claimed), policy.IprevFail
	case "":
		if e.ClientName == nil {
			return policy.Text{}, policy.IprevUnknown
		}
	default: // unrecorded, or a state of another version
		return policy.Text{}, policy.IprevUnknown
	}
	switch {
	case confirmed != "":
		return policy.Seen(confirmed), policy.IprevPass
	case claimed != "":
		return policy.Seen(claimed), policy.IprevFail
	}
	return policy.Text{}, policy.IprevPermError
}

func hostName(s *string) string {
	if s == nil {
		return ""
	}
	return policy.HostName(*s)
}

func seenName(s string) policy.Text {
	if s == "" {
		return policy.Text{}
	}
	return policy.Seen(s)
}
