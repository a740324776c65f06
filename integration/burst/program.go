package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// program is what writes legitimate mail: its fields in their order. People's
// programs hand their mail to a server, which adds Received.
type program struct {
	order  []string
	mailer string // as X-Mailer, or User-Agent
	agent  bool
	id     int
	direct bool // no host before the client
}

const (
	programBulk = -1 - iota
	programPHP
	programScan
	programNAS
)

var programs = []program{
	{order: []string{"Message-ID", "Date", "MIME-Version", "Mailer", "To", "From", "Subject", "Content-Type", "Content-Transfer-Encoding"},
		mailer: "Mozilla Thunderbird", agent: true, id: 2},
	{order: []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Mailer", "Thread-Index", "Content-Language"},
		mailer: "Microsoft Outlook 16.0", id: 0},
	{order: []string{"From", "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Subject", "Message-ID", "Date", "To", "Mailer"},
		mailer: "Apple Mail (2.3774)", id: 2},
	{order: []string{"From", "To", "Subject", "Thread-Topic", "Thread-Index", "Date", "Message-ID", "Accept-Language", "Content-Language", "Content-Type", "MIME-Version"},
		id: 3},
	{order: []string{"MIME-Version", "Date", "From", "To", "Subject", "Mailer", "Message-ID", "Content-Type", "Content-Transfer-Encoding"},
		mailer: "Roundcube Webmail/1.6.1", agent: true, id: 3},
	{order: []string{"MIME-Version", "From", "Date", "Message-ID", "Subject", "To", "Content-Type"}, id: 3},
	{order: []string{"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "Content-Disposition", "Mailer"},
		mailer: "Mutt/2.2.9", agent: true, id: 1},
}

var machines = map[int]program{
	programBulk: {order: []string{"DKIM-Signature", "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "MIME-Version", "Content-Type"}, id: 1, direct: true},
	programPHP:  {order: []string{"To", "Subject", "Date", "From", "Message-ID", "Mailer", "MIME-Version", "Content-Type"}, mailer: "PHPMailer 6.8.0", id: 3, direct: true},
	programScan: {order: []string{"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"}, id: 1, direct: true},
	programNAS:  {order: []string{"From", "To", "Subject", "Date", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}, id: -1, direct: true},
}

func (h *host) writes() program {
	if h.program < 0 {
		return machines[h.program]
	}
	return programs[h.program]
}

// headers is a message of a legitimate host.
func (h *host) headers(m *mail, at time.Time) []mtascript.Header {
	r := rand.New(rand.NewPCG(m.seed, 1))
	p := h.writes()
	list := make([]mtascript.Header, 0, 14)
	add := func(name, value string) { list = append(list, mtascript.Header{Name: name, Value: value}) }
	date := at.Format("Mon, 02 Jan 2006 15:04:05 +0000")
	if !p.direct {
		by := "mail." + h.domain
		if h.iprev == nameConfirmed && h.group == groupServer {
			by = h.name
		}
		add("Received", fmt.Sprintf("from [192.168.1.%d] (desk.%s [192.168.1.%d])\n\tby %s (Postfix) with ESMTPSA id %X; %s",
			r.IntN(250), h.domain, r.IntN(250), by, r.Uint64()>>20, date))
	}
	subject := fill(r, "%w %w %w")
	if h.program == programNAS {
		subject = "[DiskStation] Backup task finished"
	}
	values := map[string]string{
		"From": "<" + m.from + ">", "To": "<" + m.rcpt + ">", "Subject": subject, "Date": date, "MIME-Version": "1.0",
		"Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "8bit", "Thread-Index": "AQHZ", "Thread-Topic": subject,
		"Content-Language": "en-US", "Accept-Language": "en-US", "Content-Disposition": "inline", "List-Unsubscribe": "<mailto:leave@" + h.domain + ">",
		"DKIM-Signature": "v=1; a=rsa-sha256; d=" + h.domain,
	}
	for _, name := range p.order {
		switch {
		case name == "Message-ID":
			add(name, "<"+ids[p.id](r)+"@"+h.domain+">")
		case name != "Mailer":
			add(name, values[name])
		case p.mailer != "" && p.agent:
			add("User-Agent", p.mailer)
		case p.mailer != "":
			add("X-Mailer", p.mailer)
		}
	}
	return list
}
