package main

import (
	"fmt"
	"os"
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
		{"DKIM-Signature", "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1;\n\th=from:to:subject; bh=" +
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

func writeMessage(path string) error {
	var b strings.Builder
	for _, h := range headers() {
		fmt.Fprintf(&b, "%s: %s\n", h.Name, h.Value)
	}
	b.WriteString("\n" + body)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
