package main

import (
	"context"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// mail is one client and what it sends.
type mail struct {
	who, addr, ptr, helo string
	from, text           string
	want                 []string // parts of the stored X-IoT-Spam
}

const recipient = "user@example.test"

// mails use documentation addresses and names only.
var mails = []mail{
	{
		who: "a mail server", addr: "198.51.100.25", ptr: "mail.example.org", helo: "mail.example.org",
		from: "anna@example.org",
		want: []string{"X-IoT-Spam: No, ", "class=mailserver "},
		text: `Received: from desk.example.org (desk.example.org [198.51.100.77])
	by mail.example.org with ESMTPSA id 1; Sun, 22 Nov 2026 11:59:58 +0000
Date: Sun, 22 Nov 2026 11:59:57 +0000
From: Anna <anna@example.org>
To: user@example.test
Subject: Minutes of Thursday
Message-ID: <20261122115957.1@mail.example.org>
X-IoT-Spam: No, class=mailserver confidence=1.00 host=mx.example.test

The last field above was forged by the sender: the milter has removed it.
`,
	},
	{
		who: "a home line", addr: "203.0.113.20", ptr: "cpe-203-0-113-20.dyn.isp.example", helo: "cpe-203-0-113-20.dyn.isp.example",
		from: "offer@example.net",
		want: []string{"X-IoT-Spam: Suspect, ", "class=access "},
		text: `Date: Sun, 22 Nov 2026 12:00:03 +0000
From: Offer <offer@example.net>
To: user@example.test
Subject: Only today
Message-ID: <0007@example.net>

Click here.
`,
	},
	{
		who: "a NAS", addr: "203.0.113.7", ptr: "cpe-203-0-113-7.dyn.isp.example", helo: "DiskStation",
		from: "admin@example.net",
		want: []string{"X-IoT-Spam: Yes, ", "class=device ", "device=nas "},
		text: `From: DiskStation <admin@example.net>
To: user@example.test
Subject: Volume 1 is degraded

The system has detected a problem with volume 1.
`,
	},
}

// send delivers the mail. XCLIENT tells Postfix whom to take us for.
func (m *mail) send(ctx context.Context, addr string) error {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(maxWait)); err != nil {
		return err
	}
	c := textproto.NewConn(nc)
	steps := []struct {
		line string
		code int
	}{
		{"", 220},
		{"EHLO demo.example.test", 250},
		{fmt.Sprintf("XCLIENT NAME=%s REVERSE_NAME=%s ADDR=%s PORT=40123 PROTO=ESMTP HELO=%s", m.ptr, m.ptr, m.addr, m.helo), 220},
		{"EHLO " + m.helo, 250},
		{"MAIL FROM:<" + m.from + ">", 250},
		{"RCPT TO:<" + recipient + ">", 250},
		{"DATA", 354},
		{strings.TrimSuffix(strings.ReplaceAll(m.text, "\n", "\r\n"), "\r\n") + "\r\n.", 250},
		{"QUIT", 221},
	}
	for _, s := range steps {
		if s.line != "" {
			if err := c.PrintfLine("%s", s.line); err != nil {
				return err
			}
		}
		if _, text, err := c.ReadResponse(s.code); err != nil {
			command, _, _ := strings.Cut(s.line, "\r\n")
			return fmt.Errorf("%q: %w %s", command, err, text)
		}
	}
	return nil
}
