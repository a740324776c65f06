package replay

import (
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/policy"
)

// The shapes in which MTAs write Received. The wanted text is "address iprev
// name helo by", with - for what is unknown and "" for an empty HELO.
func TestReceived(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"postfix", "from mail.example.org (mail.example.org [192.0.2.10])\n\tby mx.example.com (Postfix) with ESMTPS id 9A0\n\tfor <eva@example.com>; Mon,  2 Nov 2026 08:00:01 +0000 (UTC)",
			"192.0.2.10 pass mail.example.org mail.example.org mx.example.com"},
		{"postfix without a name", "from DiskStation (unknown [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; Mon, 2 Nov 2026 08:00:01 +0000", "203.0.113.7 permerror - DiskStation mx.example.com"},
		{"postfix IPv6", "from a.example.org (a.example.org [IPv6:2001:db8::7]) by mx.example.com (Postfix) with ESMTP id 1; x", "2001:db8::7 pass a.example.org a.example.org mx.example.com"},
		{"postfix literal", "from [10.0.0.5] (cpe.isp.example [203.0.113.7]) by mx.example.com (Postfix) with SMTP id 1; x", "203.0.113.7 pass cpe.isp.example [10.0.0.5] mx.example.com"},
		{"postfix TLS with a certificate that plays an MTA", "from x (unknown [203.0.113.7])\n\t(using TLSv1.3 with cipher C (256/256 bits))\n\t(Client CN \"y (good.example [192.0.2.1]) by other.example with LMTP\", Issuer \"z\")\n\tby mx.example.com (Postfix) with ESMTPS id 1; x", "203.0.113.7 permerror - x mx.example.com"},
		{"sendmail", "from mail.example.org (mail.example.org [192.0.2.10]) by mx.example.com (8.17.1/8.17.1) with ESMTP id 2; x", "192.0.2.10 pass mail.example.org mail.example.org mx.example.com"},
		{"sendmail forged", "from x (cpe.isp.example [203.0.113.7] (may be forged)) by mx.example.com (8.17.1/8.17.1) with SMTP id 2; x", "203.0.113.7 fail cpe.isp.example x mx.example.com"},
		{"sendmail none", "from x ([203.0.113.7]) by mx.example.com (8.17.1/8.17.1) with SMTP id 2; x", "203.0.113.7 permerror - x mx.example.com"},
		{"sendmail ident", "from x (IDENT:joe@cpe.isp.example [203.0.113.7]) by mx.example.com (8.9.3/8.9.3) with SMTP id 2; x", "203.0.113.7 pass cpe.isp.example x mx.example.com"},
		{"sendmail ident that plays a client", "from x (IDENT:[192.0.2.1]@cpe.isp.example [203.0.113.7]) by mx.example.com (8.9.3/8.9.3) with SMTP id 2; x", "203.0.113.7 pass cpe.isp.example x mx.example.com"},
		{"sendmail ident without a name", "from x (root@[203.0.113.7]) by mx.example.com (8.9.3/8.9.3) with SMTP id 2; x", "203.0.113.7 permerror - x mx.example.com"},
		{"sendmail without HELO", "(from cpe.isp.example [203.0.113.7]) by mx.example.com (8.17.1/8.17.1) with SMTP id 2; x", `203.0.113.7 pass cpe.isp.example "" mx.example.com`},
		{"exim", "from mail.example.org ([192.0.2.10] helo=mx1.example.org) by mx.example.com with esmtps (TLS1.3) (Exim 4.97) (envelope-from <a@example.org>) id 1; x", "192.0.2.10 pass mail.example.org mx1.example.org mx.example.com"},
		{"exim where HELO is the name", "from mail.example.org ([192.0.2.10]:40001) by mx.example.com with esmtp (Exim 4.97) id 1; x", "192.0.2.10 pass mail.example.org mail.example.org mx.example.com"},
		{"exim without a name", "from [203.0.113.7] (port=4711 helo=DiskStation ident=x helo=y) by mx.example.com with esmtp (Exim 4.97) id 1; x", "203.0.113.7 - - DiskStation mx.example.com"},
		{"qmail", "from unknown (HELO DiskStation) (203.0.113.7)\n  by mx.example.com with SMTP; 2 Nov 2026 08:00:01 -0000", "203.0.113.7 - - DiskStation mx.example.com"},
		{"qmail ident", "from cpe.isp.example (HELO x) (root@203.0.113.7) by mx.example.com with SMTP; x", "203.0.113.7 - - x mx.example.com"},
		{"qmail literal", "from unknown (HELO [192.0.2.1]) (203.0.113.7) by mx.example.com with SMTP; x", "203.0.113.7 - - [192.0.2.1] mx.example.com"},
		{"exchange", "from mail.example.org (192.0.2.10) by mx.example.com (10.0.0.1) with Microsoft SMTP Server (version=TLS1_2, cipher=C) id 15.1; x", "192.0.2.10 - - mail.example.org mx.example.com"},
		{"exchange IPv6", "from a (2001:db8::7) by mx.example.com (2001:db8::1) with Microsoft SMTP Server id 15.1; x", "2001:db8::7 - - a mx.example.com"},
		{"exchange's older brother", "from mail.example.org ([192.0.2.10]) by mx.example.com with Microsoft SMTPSVC(6.0.3790.3959); x", "192.0.2.10 - - mail.example.org mx.example.com"},
		{"zmailer", "from mail.example.org ([192.0.2.10]:40001 \"EHLO mx1.example.org\"\n\trhost-flags-OK-OK-OK-FAIL) by mx.example.com with ESMTP id S1 (ORCPT <rfc822;a@example.com>); x", "192.0.2.10 pass mail.example.org mx1.example.org mx.example.com"},
		{"zmailer without a name", "from [203.0.113.7] ([203.0.113.7]:40001 \"HELO DiskStation\" rhost-flags-FAIL-FAIL-OK-OK) by mx.example.com with SMTP id S1; x", "203.0.113.7 permerror - DiskStation mx.example.com"},
		{"zmailer with a doubtful name", "from cpe.isp.example ([203.0.113.7]:40001 \"HELO x\" rhost-flags-OK-FAIL-OK-OK) by mx.example.com with SMTP id S1; x", "203.0.113.7 - - x mx.example.com"},
		{"zmailer IPv6", "from a.example.org ([IPv6:2001:db8::7]:40001 \"EHLO a.example.org\" TLS-CIPHER: \"C\" rhost-flags-OK-OK-OK-OK) by mx.example.com with ESMTP id S1; x", "2001:db8::7 pass a.example.org a.example.org mx.example.com"},
		{"zmailer, HELO plays the end", "from a.example.org ([203.0.113.7]:4 \"EHLO x) by other.example with LMTP (\" rhost-flags-OK-OK-OK-OK) by mx.example.com with ESMTP id S1; x", "unread"},
		{"communigate", "from [203.0.113.7] (HELO DiskStation) by mx.example.com (CommuniGate Pro SMTP 5.0.11) with ESMTP id 12; x", "203.0.113.7 - - DiskStation mx.example.com"},
		{"communigate verified", "from mail.example.org ([192.0.2.10] verified) by mx.example.com (CommuniGate Pro SMTP 6.2) with ESMTP id 12; x", "192.0.2.10 - - mail.example.org mx.example.com"},
		{"communigate account", "from [203.0.113.7] (account joe@example.com HELO pc) by mx.example.com (CommuniGate Pro SMTP 5.0.11) with ESMTPA id 12; x", "203.0.113.7 - - pc mx.example.com"},
		{"ecelerity", "from [203.0.113.7] ([203.0.113.7:40001] helo=DiskStation) by mx.example.com (envelope-from <a@example.org>) (ecelerity 2.2.0.9 r(17728)) with ESMTP id A/B; x", "203.0.113.7 - - DiskStation mx.example.com"},
		{"ecelerity IPv6", "from a ([2001:db8:0:0:0:0:0:7:40001] helo=b) by mx.example.com (ecelerity 4) with ESMTP id A; x", "2001:db8::7 - - b mx.example.com"},
		{"imail", "from DiskStation [203.0.113.7] by mx.example.com with ESMTP (SMTPD32-7.00) id A1; x", "203.0.113.7 - - DiskStation mx.example.com"},
		{"emwac", "from pc (unverified [203.0.113.7]) by mx.example.com (EMWAC SMTPRS 0.83) with SMTP id <B1@mx.example.com>; x", "203.0.113.7 - - pc mx.example.com"},
		{"haraka", "from pc (NXDOMAIN [203.0.113.7]) by mx.example.com (Haraka/3.0) with ESMTP id 1; x", "203.0.113.7 - - pc mx.example.com"},
		{"opensmtpd", "from pc (cpe.isp.example [203.0.113.7]) by mx.example.com (OpenSMTPD) with ESMTPS id 1; x", "203.0.113.7 - - pc mx.example.com"},
		{"ironport", "from unknown (HELO pc) ([203.0.113.7]) by mx.example.com with ESMTP; x", "203.0.113.7 - - pc mx.example.com"},
		{"final dot", "from a.example.org (a.example.org. [192.0.2.10]) by mx.example.com with ESMTPS id 1; x", "192.0.2.10 pass a.example.org a.example.org mx.example.com"},
		{"lower and odd blanks", "FROM\ta  (b.example\r\n [192.0.2.10])  BY  MX.example.com.;", "192.0.2.10 pass b.example a mx.example.com"},

		{"local", "(from root@localhost) by mx.example.com (8.17.1/8.17.1/Submit) id 1; x", "inside"},
		{"pickup", "by mx.example.com (Postfix, from userid 1000) id 1; x", "inside"},
		{"qmail local", "(qmail 4711 invoked by uid 1000); 2 Nov 2026 08:00:01 -0000", "inside"},
		{"lmtp", "from mx.example.com ([192.0.2.25]) by store.example.com with LMTP id 1; x", "inside"},
		{"fetched", "from pop.example.net [192.0.2.9] by localhost with POP3 (fetchmail-6.4.0) for <a@localhost>; x", "inside"},
		{"communigate web", "from [203.0.113.7] (account joe@example.com) by mx.example.com (CommuniGate Pro WebUser 5.0.2) with HTTP id 1; x", "inside"},
		{"communigate of an IMAP client", "from [203.0.113.7] (account joe@example.com) by mx.example.com (CommuniGate Pro IMAP 5.1.9) with XMIT id 1; x", "inside"},
		{"exim local", "from joe by mx.example.com with local (Exim 4.97) id 1; x", "inside"},

		{"no client", "from somewhere by mx.example.com; x", "unread"},
		{"words instead of HELO", "from nobody knows (x [192.0.2.1]) by mx.example.com; x", "unread"},
		{"a name with brackets in it", "from x (a [192.0.2.1] b [203.0.113.7]) by mx.example.com; x", "unread"},
		{"no address", "from x (y [300.0.0.1]) by mx.example.com; x", "unread"},
		{"open comment", "from x (y [192.0.2.1] by mx.example.com; x", "unread"},
		{"empty from", "from ([192.0.2.1]) by mx.example.com; x", "unread"},
		{"nothing", "", "inside"},
	} {
		if got := describe(parseReceived([]byte(c.value))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func describe(h hop) string {
	switch h.kind {
	case hopInside:
		return "inside"
	case hopUnread:
		return "unread"
	}
	dashed := func(x policy.Text) string {
		if s, ok := x.Get(); !ok {
			return "-"
		} else if s == "" {
			return `""`
		}
		return x.String()
	}
	iprev := h.iprev.String()
	if iprev == "" {
		iprev = "-"
	}
	return strings.Join([]string{h.addr.String(), iprev, dashed(h.name), dashed(h.helo), h.by}, " ")
}

func TestReceivedTellsWhoAuthenticated(t *testing.T) {
	for value, want := range map[string]bool{
		"from a (b.example [192.0.2.1]) by mx.example.com (Postfix) with ESMTPSA id 1; x":                                      true,
		"from a (b.example [192.0.2.1]) (Authenticated sender: joe) by mx.example.com (Postfix) with ESMTP id 1; x":            true,
		"from a (b.example [192.0.2.1]) (authenticated bits=0) by mx.example.com (8.17.1/8.17.1) with ESMTP id 1; x":           true,
		"from a (b.example [192.0.2.1]) (Client CN \"(Authenticated sender: j)\") by mx.example.com with ESMTPS id 1; x":       false,
		"from a (b.example [192.0.2.1]) by mx.example.com (Postfix) with ESMTPS id 1 for <authenticated@sender.example>; date": false,
	} {
		if got := parseReceived([]byte(value)).auth; got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// What a client says must not become an address, whatever its HELO is.
func FuzzReceived(f *testing.F) {
	for _, helo := range []string{"a.example.org", "[192.0.2.1]", "x (y [192.0.2.1])", "a)(b", "\\(", "", "HELO", "by x with LMTP"} {
		f.Add(helo, "from "+helo+" (b.example [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; x")
	}
	f.Fuzz(func(t *testing.T, helo, value string) {
		parseReceived([]byte(value))
		// Postfix writes ? for what HELO may not have in a field.
		helo = strings.Map(func(r rune) rune {
			if r <= ' ' || r >= 127 || strings.ContainsRune(`<>()\";@`, r) {
				return '?'
			}
			return r
		}, helo)
		if helo == "" {
			return
		}
		h := parseReceived([]byte("from " + helo + " (unknown [203.0.113.7]) by mx.example.com (Postfix) with ESMTP id 1; x"))
		if len(helo) < 4000 && (h.kind != hopClient || h.addr.String() != "203.0.113.7" || h.helo.String() != policy.ClipName(helo)) {
			t.Errorf("HELO %q: %s", helo, describe(h))
		}
	})
}
