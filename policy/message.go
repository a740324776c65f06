package policy

import (
	"net/netip"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// msgDirect finds a message that no host has handled before the client.
func msgDirect(f *Facts, out *Findings) {
	if f.Headers != nil && f.Headers.Received == 0 {
		out.Add(StatusFail, "received", "0")
	}
}

func msgNoDate(f *Facts, out *Findings) {
	if f.Headers != nil && !f.Headers.Date.Known() {
		out.Add(StatusFail, "date", "")
	}
}

// msgNoID counts an ID in the MTA's own name as missing: Postfix can add one
// before a filter sees the headers.
func msgNoID(f *Facts, out *Findings) {
	if f.Headers == nil {
		return
	}
	id, known := f.Headers.MessageID.Get()
	if !known {
		out.Add(StatusFail, "message-id", "")
	} else if host := idHost(id); isOwnHost(f, host) {
		out.Add(StatusFail, "message-id", id)
	}
}

// msgIDHost judges the host part of Message-ID. A mail server's own users write
// @localhost, so that is a fact without weight.
func msgIDHost(f *Facts, out *Findings) {
	if f.Headers == nil {
		return
	}
	host := idHost(f.Headers.MessageID.String())
	if host == "" || isOwnHost(f, host) {
		return
	}
	n := f.Table.Parse(host, netip.Addr{})
	switch {
	case n.Kind != device.None:
		out.Add(StatusFail, "message-id", host).On(n.Kind, n.Vendor)
	case n.Shape == device.ShapeLocalhost, n.Shape == device.ShapePrivate, n.Shape == device.ShapeSingle:
		out.Add(StatusNeutral, "message-id", host)
	}
}

// msgDateEpoch finds the date of a machine whose clock was never set: the first
// day of the UNIX epoch, or of 2000.
func msgDateEpoch(f *Facts, out *Findings) {
	if f.Headers == nil {
		return
	}
	date := strings.TrimSpace(f.Headers.Date.String())
	if _, rest, ok := strings.Cut(date, ","); ok {
		date = strings.TrimSpace(rest)
	}
	date = strings.TrimPrefix(date, "0")
	if strings.HasPrefix(date, "1 Jan 1970 ") || strings.HasPrefix(date, "1 Jan 2000 ") {
		out.Add(StatusFail, "date", f.Headers.Date.String())
	}
}

// msgMailerDevice knows one mailer. Others are told of, but no example with a
// source was found.
func msgMailerDevice(f *Facts, out *Findings) {
	if f.Headers == nil {
		return
	}
	mailer := strings.TrimSpace(f.Headers.Mailer.String())
	switch {
	case strings.HasPrefix(mailer, "Canon MFP"):
		out.Add(StatusFail, "mailer", mailer).On(device.Printer, "Canon")
	case strings.Contains(f.Headers.MessageID.String(), ".CanonTxNo."):
		out.Add(StatusFail, "message-id", f.Headers.MessageID.String()).On(device.Printer, "Canon")
	}
}

// msgBusybox finds the header that BusyBox sendmail sends when a script gives it
// no more: no Date, Message-ID, From or Received.
func msgBusybox(f *Facts, out *Findings) {
	h := f.Headers
	if h == nil || h.Received > 0 || h.Date.Known() || h.From.Known() {
		return
	}
	if id, known := h.MessageID.Get(); !known || isOwnHost(f, idHost(id)) {
		out.Add(StatusFail, "headers", "no date, message-id, from, received")
	}
}

// idHost returns what stands right of the @ in a Message-ID.
func idHost(id string) string {
	_, host, ok := strings.Cut(id, "@")
	if !ok {
		return ""
	}
	host, _, _ = strings.Cut(host, ">")
	return strings.TrimSpace(host)
}

func isOwnHost(f *Facts, host string) bool {
	if host == "" {
		return false
	}
	if sameASCII(host, f.Client.MTA) {
		return true
	}
	for _, own := range f.Hosts {
		if sameASCII(host, own) {
			return true
		}
	}
	return false
}
