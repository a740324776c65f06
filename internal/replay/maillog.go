package replay

import (
	"bytes"
	"net/netip"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	maxLogLine = 16 << 10 // bytes kept of a line of a log
	maxOpen    = 20_000   // messages whose sender is still to come
)

// logLine is a line of a log: what the program said, and who said it when.
type logLine struct {
	stamp   string
	at      time.Time // of a stamp with a year
	program string    // "postfix/smtpd"
	pid     string
	text    string
}

// splitLog reads a line's beginning: a syslog or RFC 3339 time, the host, the
// program; or what RFC 5424 has in their place. It reports false for what is no
// line of a log.
func splitLog(line string) (l logLine, ok bool) {
	if strings.HasPrefix(line, "<") { // the priority, which some files keep
		if _, rest, found := strings.Cut(line[:min(len(line), 8)], ">"); found {
			line = line[len(line[:min(len(line), 8)])-len(rest):]
		}
	}
	if rest, found := strings.CutPrefix(line, "1 "); found {
		return splitSyslog(rest)
	}
	if len(line) > 16 && line[3] == ' ' && line[6] == ' ' && line[9] == ':' && line[12] == ':' {
		l.stamp, line = line[:15], line[15:]
		if _, err := time.Parse(time.Stamp, l.stamp); err != nil {
			return l, false
		}
	} else {
		stamp, rest, _ := strings.Cut(line, " ")
		if l.at, ok = isoTime(stamp); !ok {
			return l, false
		}
		line = " " + rest
	}
	_, line, ok = strings.Cut(strings.TrimLeft(line, " "), " ") // the host
	tag, text, found := strings.Cut(line, ": ")
	if !ok || !found || len(tag) > 128 || strings.ContainsRune(tag, ' ') {
		return l, ok
	}
	l.program, l.text = tag, text
	if open := strings.LastIndexByte(tag, '['); open > 0 {
		l.program, l.pid = tag[:open], tag[open:]
	}
	return l, true
}

// splitSyslog reads "TIME HOST PROGRAM PID ID DATA TEXT" (RFC 5424, section 6),
// which stands behind the priority and the version.
func splitSyslog(line string) (l logLine, ok bool) {
	var f [5]string
	for i := range f {
		if f[i], line, ok = strings.Cut(line, " "); !ok {
			return l, false
		}
	}
	if l.at, ok = isoTime(f[0]); !ok && f[0] != "-" {
		return l, false
	}
	line, ok = skipData(line)
	if !ok || len(f[2]) > 128 {
		return l, ok
	}
	l.program, l.pid = f[2], "["+f[3]+"]"
	l.text = strings.TrimLeft(strings.TrimPrefix(line, "\xef\xbb\xbf"), " ")
	return l, true
}

// skipData skips structured data: "-", or [id name="value" …] once or more, with
// \" \\ and \] in the values.
func skipData(line string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(line, "-"); !ok {
		for strings.HasPrefix(line, "[") {
			end := 1
			for quoted := false; end < len(line) && (quoted || line[end] != ']'); end++ {
				switch {
				case quoted && line[end] == '\\':
					end++
				case line[end] == '"':
					quoted = !quoted
				}
			}
			if end >= len(line) {
				return "", false
			}
			rest, ok = line[end+1:], true
			line = rest
		}
	}
	return strings.TrimPrefix(rest, " "), ok && (rest == "" || rest[0] == ' ')
}

func isoTime(s string) (time.Time, bool) {
	if len(s) < 19 || s[4] != '-' || s[10] != 'T' {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05-0700"} { // of syslog; of journalctl
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// mailLog pairs the lines about a message. Of each only the client's address, the
// confirmed name and the sender are taken: what Postfix logs besides stands on
// refusals alone, so it would tell the answer.
type mailLog struct {
	s    *source
	path string
	loc  *time.Location
	last time.Time // of the file, later than all its lines

	open  map[string]*logged // by queue name, or by what a refusal is known by
	queue []string           // keys of open, the oldest first; may name some that are done
}

// logged is a message of which the client is known, and perhaps the sender.
type logged struct {
	r    Record
	done bool // given away; kept to know more lines about it
}

func (s *source) maillog(path string, l *lines, at time.Time) error {
	m := &mailLog{s: s, path: path, loc: s.o.Location, last: at, open: make(map[string]*logged)}
	known := 0
	for s.out.ctx.Err() == nil {
		line, _, err := l.next(maxLogLine)
		if err != nil {
			for _, key := range m.queue {
				m.give(key)
			}
			if l.number > 0 && known == 0 {
				s.damaged(path, "no line of a mail log")
			}
			return err
		}
		if known > 0 && !relevant(line) {
			continue
		}
		if entry, ok := splitLog(string(line)); ok {
			known++
			m.line(&entry, place{path, l.number})
		}
	}
	return nil
}

// relevant sorts out quickly what cannot be about a message.
func relevant(line []byte) bool {
	return bytes.Contains(line, []byte("client=")) || bytes.Contains(line, []byte("from")) || bytes.Contains(line, []byte("relay="))
}

func (m *mailLog) line(l *logLine, at place) {
	service := l.program[strings.LastIndexByte(l.program, '/')+1:]
	switch {
	case strings.HasPrefix(l.program, "sendmail") || strings.HasPrefix(l.program, "sm-mta") || service == "sm-mta":
		m.sendmail(l, at)
	case service == "smtpd":
		m.smtpd(l, at)
	case service == "qmgr":
		if id, rest, ok := strings.Cut(l.text, ": from=<"); ok {
			m.sender(id, rest)
		}
	case service == "cleanup":
		m.refusal(l, at)
	}
}

// smtpd reads "QID: client=NAME[IP], …" and refusals.
func (m *mailLog) smtpd(l *logLine, at place) {
	id, rest, ok := strings.Cut(l.text, ": client=")
	if !ok || id == "NOQUEUE" || strings.ContainsRune(id, ' ') {
		m.refusal(l, at)
		return
	}
	info, more, _ := strings.Cut(rest, ", ")
	r, ok := m.client(info, l, at)
	if !ok {
		return
	}
	r.ID, r.QueueID = id, id
	if strings.Contains(", "+more, ", sasl_method=") {
		r.Envelope.AuthType = "recorded"
	}
	m.begin(id, r)
}

// refusal reads "QID: reject: RCPT from NAME[IP]: 550 …; from=<…> to=<…> …" and
// its like of milters. One refused message is one record, whatever the number of
// its recipients.
func (m *mailLog) refusal(l *logLine, at place) {
	id, rest, ok := strings.Cut(l.text, ": ")
	what, rest, found := strings.Cut(rest, ": ")
	if !ok || !found || what != "reject" && what != "milter-reject" && what != "milter-hold" && what != "reject_warning" {
		return
	}
	_, rest, found = strings.Cut(rest, " from ")
	end := strings.Index(rest, "]: ")
	if !found || end < 0 {
		return
	}
	info, rest := rest[:end+1], rest[end+1:]
	from, known := "", false
	if i := strings.LastIndex(rest, "; from=<"); i >= 0 {
		from, _, known = strings.Cut(rest[i+len("; from=<"):], "> to=<")
	}
	if id != "NOQUEUE" {
		if known {
			m.sender(id, from+">")
		}
		return
	}
	r, ok := m.client(info, l, at)
	if !ok {
		return
	}
	key := l.program + l.pid + info
	if o := m.open[key]; o != nil && o.r.Envelope.From.String() == address(from) && r.Client.At.Sub(o.r.Client.At) < time.Hour {
		return
	}
	if known {
		r.Envelope.From = policy.Seen(address(from))
	}
	m.give(key)
	delete(m.open, key)
	r.ID = r.Place
	m.begin(key, r)
	m.give(key)
}

// sendmail reads "QID: from=<…>, …, relay=NAME [IP]" and, of what was refused
// before there was a sender, "QID: ruleset=…, relay=…, reject=…".
func (m *mailLog) sendmail(l *logLine, at place) {
	id, rest, ok := strings.Cut(l.text, ": ")
	refused := strings.HasPrefix(rest, "ruleset=")
	if refused {
		if strings.Count(rest, ", reject=") != 1 || strings.Count(rest, ", relay=") != 1 {
			return // no refusal, or a recipient that looks like more of the line
		}
		rest, _, _ = strings.Cut(rest, ", reject=")
	}
	i := strings.LastIndex(rest, ", relay=") // the last is the MTA's, whatever the sender is
	if !ok || i < 0 {
		return
	}
	info := rest[i+len(", relay="):]
	r, ok := m.client(info, l, at)
	switch {
	case !ok:
	case strings.HasPrefix(rest, "AUTH="):
		r.ID, r.QueueID, r.Envelope.AuthType = id, id, "recorded"
		m.begin(id, r)
	case refused:
		if m.open[id] == nil {
			r.ID, r.QueueID = id, id
			m.begin(id, r)
		}
	case strings.HasPrefix(rest, "from="):
		if m.open[id] == nil {
			r.ID, r.QueueID = id, id
			m.begin(id, r)
		}
		from, _, _ := strings.Cut(rest[len("from="):], ", size=")
		m.sender(id, strings.TrimPrefix(strings.TrimSuffix(from, ">"), "<")+">")
	}
}

// client reads "NAME[IP]" of Postfix and "NAME [IP] (may be forged)" of Sendmail.
func (m *mailLog) client(info string, l *logLine, at place) (Record, bool) {
	var h hop
	if !h.tcpInfo(info) {
		return Record{}, false
	}
	r := Record{Place: at.String()}
	r.Client = policy.Client{At: m.time(l), Addr: h.addr, Name: h.name, Iprev: h.iprev}
	for service := range strings.SplitSeq(l.program, "/") { // names that master.cf gives
		switch service {
		case "submission", "submissions", "smtps":
			r.Client.Server = netip.AddrPortFrom(netip.Addr{}, 587)
		}
	}
	return r, true
}

// time is a line's. A stamp without a year is of the last such day before the
// file was written.
func (m *mailLog) time(l *logLine) time.Time {
	if l.stamp == "" {
		return l.at // the zero time where the line has none
	}
	for year := m.last.Year(); year > m.last.Year()-8; year-- { // 29 February
		at, err := time.ParseInLocation("2006 "+time.Stamp, itoa(year)+" "+l.stamp, m.loc)
		if err == nil && at.Before(m.last.Add(24*time.Hour)) {
			return at
		}
	}
	return time.Time{}
}

// begin remembers a client until its sender is known. The oldest give way.
func (m *mailLog) begin(key string, r Record) {
	m.give(key)
	m.open[key] = &logged{r: r}
	m.queue = append(m.queue, key)
	for len(m.queue) > maxOpen {
		m.give(m.queue[0])
		delete(m.open, m.queue[0])
		m.queue = m.queue[1:]
	}
}

// sender completes a message: rest is what follows "from=<".
func (m *mailLog) sender(key, rest string) {
	o := m.open[key]
	if o == nil || o.done {
		return
	}
	if end := strings.Index(rest, ">, "); end >= 0 {
		rest = rest[:end+1]
	}
	o.r.Envelope.From = policy.Seen(address(rest))
	m.give(key)
}

// give hands a record on, once.
func (m *mailLog) give(key string) {
	if o := m.open[key]; o != nil && !o.done {
		o.done = true
		m.s.out.record(o.r)
	}
}
