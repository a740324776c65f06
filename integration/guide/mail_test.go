//go:build integration

package guide

import (
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// client is a host that sends mail, as XCLIENT tells Postfix.
type client struct{ addr, ptr, helo, from, text string }

var (
	server = client{"198.51.100.25", "mail.example.org", "mail.example.org", "anna@example.org",
		"Received: from desk.example.org (desk.example.org [198.51.100.77])\r\n\tby mail.example.org with ESMTPSA id 1; Sun, 22 Nov 2026 11:59:58 +0000\r\n" +
			"Date: Sun, 22 Nov 2026 11:59:57 +0000\r\nFrom: Anna <anna@example.org>\r\nTo: berta@example.com\r\nSubject: Minutes\r\n" +
			"Message-ID: <1@mail.example.org>\r\n\r\nThe minutes.\r\n"}
	nas = client{"203.0.113.7", "cpe-203-0-113-7.dyn.isp.example", "DiskStation", "admin@example.net",
		"From: DiskStation <admin@example.net>\r\nTo: berta@example.com\r\nSubject: Offer\r\n\r\nBuy now.\r\n"}
	home = client{"203.0.113.20", "cpe-203-0-113-20.dyn.isp.example", "cpe-203-0-113-20.dyn.isp.example", "offer@example.net",
		"Date: Sun, 22 Nov 2026 12:00:03 +0000\r\nFrom: Offer <offer@example.net>\r\nTo: berta@example.com\r\nSubject: Only today\r\n" +
			"Message-ID: <7@example.net>\r\n\r\nClick here.\r\n"}
)

// at is the same kind of host in another network.
func (c client) at(n int) client {
	c.addr = fmt.Sprintf("IPV6:2001:db8:%x::7", n)
	c.ptr = fmt.Sprintf("cpe-%x.dyn.isp.example", n)
	return c
}

// send delivers the mail to recipients and returns the answers at RCPT, and that after the message if one was let in.
func (c client) send(t *testing.T, to ...string) (replies []string) {
	t.Helper()
	nc, err := net.DialTimeout("tcp", "127.0.0.1:25", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return c.over(t, nc, true, to...)
}

// over is send over a connection; pretend says whether XCLIENT tells of another client than who connected.
func (c client) over(t *testing.T, nc net.Conn, pretend bool, to ...string) (replies []string) {
	t.Helper()
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(30 * time.Second))
	conn := textproto.NewConn(nc)
	say := func(line string, want int) string {
		t.Helper()
		if line != "" {
			if err := conn.PrintfLine("%s", line); err != nil {
				t.Fatal(err)
			}
		}
		code, text, err := conn.ReadResponse(want)
		if err != nil {
			t.Fatalf("%s: %q: %v", c.helo, line, err)
		}
		return fmt.Sprintf("%d %s", code, text)
	}
	say("", 220)
	if pretend {
		say("EHLO test.example.com", 250)
		say(fmt.Sprintf("XCLIENT NAME=%s REVERSE_NAME=%s ADDR=%s PORT=40123 PROTO=ESMTP HELO=%s", c.ptr, c.ptr, c.addr, c.helo), 220)
	}
	say("EHLO "+c.helo, 250)
	say("MAIL FROM:<"+c.from+">", 250)
	taken := false
	for _, rcpt := range to {
		reply := say("RCPT TO:<"+rcpt+">", 0)
		taken = taken || strings.HasPrefix(reply, "250 ")
		replies = append(replies, reply)
	}
	if taken {
		say("DATA", 354)
		replies = append(replies, say(strings.TrimSuffix(c.text, "\r\n")+"\r\n.", 0))
	}
	say("QUIT", 221)
	return replies
}

// sent is send to one mailbox, where the last reply must begin as it should.
func (c client) sent(t *testing.T, code string) string {
	t.Helper()
	replies := c.send(t, "berta@example.com")
	last := replies[len(replies)-1]
	if !strings.HasPrefix(last, code) {
		t.Fatalf("%s was answered %q, not %s", c.helo, replies, code)
	}
	return last
}
