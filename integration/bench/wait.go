//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

const (
	dnsDelay  = 50 * time.Millisecond
	roundTrip = 20 * time.Millisecond // between an answer and the client's next command
)

// waitCF lets sessions say who their client is, and end after RCPT without being
// slowed down for messages that never come.
const waitCF = `smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_error_sleep_time = 0
in_flow_delay = 0
`

// slowDNS is a name server that takes its time, where every name in helo.example.org
// is a host of somebody else.
func slowDNS() (*dnstest.Server, error) {
	s, err := dnstest.Start("")
	if err != nil {
		return nil, err
	}
	return s, s.Set(fmt.Sprintf("*.helo.example.org A 192.0.2.1\n!delay %v *\n", dnsDelay))
}

// visitor is a kind of client; %d is replaced by a number that no other session has,
// so that nobody's answer is remembered.
type visitor struct {
	what   string
	filter int // index of filters
	name   string
	helo   string
	rcpt   string // how the answer to RCPT begins
}

func visitors(filters []*filter) []visitor {
	server := visitor{name: "mail%d.example.net", helo: "mail%d.helo.example.org", rcpt: "250"}
	suspect := visitor{name: "cpe-198-51-100-%d.dyn.isp.example", helo: "speedtouch.lan", rcpt: "550"}
	var list []visitor
	for i, f := range filters {
		v := server
		v.what, v.filter = f.name+", a mail server", i
		list = append(list, v)
	}
	suspect.what, suspect.filter = filters[len(filters)-1].name+", a router, refused", len(filters)-1
	return append(list, suspect)
}

// waits are the times of one kind of client, in milliseconds: of the answer to RCPT,
// and of all answers up to it.
type waits struct {
	rcpt, all []float64
}

func measureWait(ctx context.Context, o options) (result, error) {
	if o.waitSessions == 0 {
		o.waitSessions = 120
		if o.quick {
			o.waitSessions = 20
		}
	}
	dns, err := slowDNS()
	if err != nil {
		return result{}, err
	}
	defer dns.Close()
	filters, err := started(
		func() (*filter, error) { return startC("C plain", o) },
		func() (*filter, error) {
			return startDaemon("iot-milter", o, setup{mode: "enforce", dns: dns.Addr().String()})
		})
	if err != nil {
		return result{}, err
	}
	defer stopAll(filters)
	p, err := startPostfix(ctx, filepath.Join(o.dir, "postfix"), filters, waitCF)
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	kinds := visitors(filters)
	got, err := visitAll(ctx, p, filters, kinds, o)
	if err != nil {
		return result{}, err
	}
	return reportWait(kinds, got, o), nil
}

// visitAll has each kind of client come once a round.
func visitAll(ctx context.Context, p *postfix, filters []*filter, kinds []visitor, o options) ([]waits, error) {
	got := make([]waits, len(kinds))
	for n := -len(kinds); n < o.waitSessions; n++ { // the first rounds warm up
		for k := range kinds {
			i := (n + len(kinds) + k) % len(kinds) // none always has the same place
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			v := kinds[i]
			rcpt, all, err := visit(fmt.Sprintf("127.0.0.1:%d", p.ports[filters[v.filter]]), v, n+len(kinds))
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", v.what, err, tail(filters[v.filter].log))
			}
			if n >= 0 {
				got[i].rcpt = append(got[i].rcpt, ms(rcpt))
				got[i].all = append(got[i].all, ms(all))
			}
		}
	}
	return got, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// visit plays one session up to RCPT, as a client whose packets take their time.
func visit(addr string, v visitor, n int) (rcpt, all time.Duration, err error) {
	c, err := net.Dial("tcp4", addr)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	r := bufio.NewReader(c)
	step := func(line, want string) time.Duration {
		if err != nil {
			return 0
		}
		time.Sleep(roundTrip)
		start := time.Now()
		if line != "" {
			_, err = fmt.Fprintf(c, "%s\r\n", line)
		}
		said := ""
		for err == nil {
			if said, err = r.ReadString('\n'); len(said) > 3 && said[3] != '-' {
				break
			}
		}
		if err == nil && !strings.HasPrefix(said, want) {
			err = fmt.Errorf("%q is answered %q", line, said)
		}
		return time.Since(start)
	}
	numbered := func(s string) string { return strings.Replace(s, "%d", fmt.Sprint(n), 1) }
	name := numbered(v.name)
	step("", "220")
	step("EHLO test", "250")
	all += step(fmt.Sprintf("XCLIENT NAME=%s REVERSE_NAME=%s ADDR=198.51.100.%d PORT=40000", name, name, 1+n%250), "220")
	all += step("EHLO "+numbered(v.helo), "250")
	all += step("MAIL FROM:<"+numbered("a@sender%d.helo.example.org")+">", "250")
	rcpt = step("RCPT TO:<b@example.test>", v.rcpt)
	step("QUIT", "221")
	return rcpt, all + rcpt, err
}

func reportWait(kinds []visitor, got []waits, o options) result {
	t := table{head: []string{"filter, client", "RCPT median", "90 %", "longest", "all answers up to it, median"}}
	for i, k := range kinds {
		sorted := slices.Sorted(slices.Values(got[i].rcpt))
		row := []string{k.what}
		for _, v := range []float64{median(sorted), sorted[len(sorted)*9/10], sorted[len(sorted)-1], median(got[i].all)} {
			row = append(row, fmt.Sprintf("%.2f", v))
		}
		t.rows = append(t.rows, row)
	}
	more := median(got[len(kinds)-2].rcpt) - median(got[0].rcpt)
	return result{
		notes: []string{
			fmt.Sprintf("DNS takes %v, the client %v between commands; %d sessions of each kind, in pairs; ms.", dnsDelay, roundTrip, o.waitSessions),
			fmt.Sprintf("An accepted client waits %.2f ms longer at RCPT with iot-milter than with plain C.", more),
		},
		tables: []table{t},
	}
}
