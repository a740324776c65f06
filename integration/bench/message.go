//go:build linux

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// headers are the 20 fields of the message that is sent again and again.
func headers() []mtascript.Header {
	hop := func(i int) string {
		return fmt.Sprintf("from relay%d.example.net (relay%d.example.net [198.51.100.%d])\n"+
			"\tby relay%d.example.net (Postfix) with ESMTPS id 4F2A%d\n\tfor <b@example.test>; Mon, 2 Mar 2026 10:00:0%d +0000", i, i, i, i+1, i, i)
	}
	list := []mtascript.Header{{Name: "Reply-To", Value: "<a@example.net>"}}
	for i := range 3 {
		list = append(list, mtascript.Header{Name: "Received", Value: hop(i)})
	}
	for _, h := range [][2]string{
		{signature, "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1;\n\th=from:to:subject; bh=" +
			strings.Repeat("A", 43) + "=;\n\tb=" + strings.Repeat("b", 170)},
		{"Authentication-Results", "relay3.example.net; spf=pass smtp.mailfrom=example.net"},
		{"From", "A. Writer <a@example.net>"},
		{"To", "B. Reader <b@example.test>"},
		{"Cc", "C. Reader <c@example.test>"},
		{"Subject", "A message of ordinary length about nothing in particular"},
		{"Date", "Mon, 2 Mar 2026 10:00:00 +0000"},
		{"Message-ID", "<20260302100000.4F2A1@example.net>"},
		{"In-Reply-To", "<20260301090000.3E1B0@example.test>"},
		{"References", "<20260301090000.3E1B0@example.test>"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8; format=flowed"},
		{"Content-Transfer-Encoding", "8bit"},
		{"Content-Language", "en-GB"},
		{"User-Agent", "Mailer 1.0"},
		{"X-Mailer-Id", "0123456789abcdef"},
	} {
		list = append(list, mtascript.Header{Name: h[0], Value: h[1]})
	}
	return list
}

var body = strings.Repeat("The quick brown fox jumps over the lazy dog.\n", 40)

// size is what a message has.
type size struct {
	Fields int // of its header: 8, 20 or more
	KiB    int // of its body
}

func (s size) String() string { return fmt.Sprintf("%d header fields, %d KiB", s.Fields, s.KiB) }

// fields are those of a message that nobody has signed yet: one is to come.
func (s size) fields() []mtascript.Header {
	all := slices.DeleteFunc(headers(), func(h mtascript.Header) bool { return h.Name == signature })
	if s.Fields < len(all) {
		few := []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}
		all = slices.DeleteFunc(all, func(h mtascript.Header) bool { return !slices.Contains(few, h.Name) })
	}
	for i := len(all) + 1; i < s.Fields; i++ {
		all = append(all, mtascript.Header{Name: fmt.Sprintf("X-Field-%d", i), Value: "what some server on the way found worth noting; score=0.1"})
	}
	return all
}

const signature = "DKIM-Signature"

// text is the body, in lines as they are sent.
func (s size) text() []byte {
	const line = "The quick brown fox jumps over the lazy dog, and is none the worse for it.\r\n"
	return []byte(strings.Repeat(line, s.KiB<<10/len(line)))
}

// wire is a message as it stands after DATA, to the final dot.
func wire(fields []mtascript.Header, text []byte) []byte {
	var b bytes.Buffer
	for _, h := range fields {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, strings.ReplaceAll(strings.ReplaceAll(h.Value, "\r\n", "\n"), "\n", "\r\n"))
	}
	b.WriteString("\r\n")
	b.Write(text)
	b.WriteString(".\r\n")
	return b.Bytes()
}
