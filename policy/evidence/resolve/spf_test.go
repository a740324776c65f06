package resolve

import (
	"context"
	"net"
	"testing"

	"blitiri.com.ar/go/spf"
)

// TestSPF checks senders with the library that the daemon uses.
func TestSPF(t *testing.T) {
	r := resolver(t, Options{}, serve(t, `
pass.example  IN TXT "v=spf1 a:mail.example mx -all"
mail.example  IN A 192.0.2.1
pass.example  IN MX 10 mx.pass.example.
mx.pass.example IN AAAA 2001:db8::1
exists.example IN TXT "v=spf1 exists:%{ir}.%{l}.list.example -all"
*.list.example IN A 127.0.0.2
ptr.example   IN TXT "v=spf1 ptr -all"
7.113.0.203.in-addr.arpa IN PTR host.ptr.example.
host.ptr.example IN A 203.0.113.7
ill.example   IN TXT "v=spf1 a:bad.example -all"
!servfail bad.example
open.example  IN TXT "v=spf1 +all"
`))
	for _, c := range []struct {
		ip, sender string
		want       spf.Result
	}{
		{"192.0.2.1", "x@pass.example", spf.Pass},
		{"2001:db8::1", "x@pass.example", spf.Pass},
		{"192.0.2.2", "x@pass.example", spf.Fail},
		{"192.0.2.2", "o'brien+x@exists.example", spf.Pass},
		{"2001:db8::2", "x@exists.example", spf.Pass},
		{"203.0.113.7", "x@ptr.example", spf.Pass},
		{"203.0.113.8", "x@ptr.example", spf.Fail},
		{"192.0.2.2", "x@ill.example", spf.TempError},
		{"192.0.2.2", "x@none.example", spf.None},
		{"192.0.2.2", "x@mail.example", spf.None},
		{"192.0.2.2", "x@bad..example", spf.None},
		{"192.0.2.2", "x@open.example", spf.Pass},
	} {
		ip := net.ParseIP(c.ip)
		n := r.Net()
		if got, err := spf.CheckHostWithSender(ip, "helo.example", c.sender, spf.WithResolver(n), spf.WithContext(context.Background())); got != c.want {
			t.Errorf("%s from %s: %s, %v; want %s", c.sender, c.ip, got, err, c.want)
		}
	}
}
