// Package recording reads the recorded connections, mails and host names that the
// signals are measured on, and makes the facts of a judgement of them. The
// recordings are not part of the project: only aggregates leave it.
package recording

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/iot-milter/iot-milter/policy"
)

// The files of a directory of recordings.
const (
	Connections = "connections.jsonl" // every distinct connection, without headers
	Mails       = "mails.jsonl"       // a stratified sample of mails, with headers
	Hostnames   = "hostnames.tsv"     // labelled names
)

// Prior and Limit are the defaults of the configuration's [prior] and
// [class.*] confidence, for which weights are fitted and rates given.
var (
	Prior = policy.PerClass{
		policy.ClassMailserver: 0.60, policy.ClassHosting: 0.05, policy.ClassBusiness: 0.05,
		policy.ClassAccess: 0.25, policy.ClassDevice: 0.05,
	}
	Limit = policy.Thresholds{Device: 0.90, Access: 0.95}
)

// Record is one line of a recording. Of a host name it has the name as a
// confirmed PTR, the label, and as corpus where the label is from.
type Record struct {
	Corpus     string `json:"corpus"`
	Label      string `json:"label"`
	Mails      int    `json:"n"`
	Years      []int  `json:"years"`
	Year       int    `json:"year"`
	ClientIP   string `json:"client_ip"`
	ClientName string `json:"client_name"`
	NameState  string `json:"name_state"`
	Unverified string `json:"ptr_unverified"`
	HELO       string `json:"helo"`
	MX         string `json:"mx"`
	HostLabel  string `json:"host_label"`

	Headers [][2]string `json:"headers"`
}

// Read calls take for each record of a file of dir, in order. The record is
// take's to keep.
func Read(dir, file string, take func(*Record)) error {
	path := filepath.Join(dir, file)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	parse := func(line []byte, r *Record) error { return json.Unmarshal(line, r) }
	if filepath.Ext(path) == ".tsv" {
		parse = parseName
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		r := new(Record)
		if err := parse(lines.Bytes(), r); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(r.Years) > 0 {
			r.Year = r.Years[0]
		}
		take(r)
	}
	return lines.Err()
}

// parseName reads "hostname label source ip …"; the heading has the label "label".
func parseName(line []byte, r *Record) error {
	f := strings.Split(string(line), "\t")
	if len(f) < 4 {
		return fmt.Errorf("%d columns, want 4 or more", len(f))
	}
	*r = Record{ClientName: f[0], Label: f[1], Corpus: f[2], ClientIP: f[3], NameState: "verified", Mails: 1}
	return nil
}

// Spam reports whether the record is labelled spam.
func (r *Record) Spam() bool { return r.Label == "spam" }

// L2 reports whether it is the hop from people's own servers into a list server.
func (r *Record) L2() bool { return strings.HasSuffix(r.Corpus, "-l2") }

// Addr is the client's address.
func (r *Record) Addr() netip.Addr {
	a, _ := netip.ParseAddr(r.ClientIP)
	return a.Unmap()
}

// Network is the client's /16, or /32 of IPv6.
func (r *Record) Network() string {
	a := r.Addr()
	bits := 16
	if !a.Is4() {
		bits = 32
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "none"
	}
	return p.String()
}

// Organisation is the registered domain of the client's name, claimed ones
// included, and its network where it has none.
func (r *Record) Organisation() string {
	name := r.ClientName
	if name == "" {
		name = r.Unverified
	}
	if org, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(strings.TrimSuffix(name, "."))); err == nil {
		return org
	}
	return r.Network()
}

// Judge runs the signals over what was recorded.
func (r *Record) Judge() *policy.Judgement {
	f := policy.Facts{Client: policy.Client{MTA: r.MX}, Hosts: []string{strings.ToLower(r.MX)}}
	f.Client.Addr = r.Addr()
	switch r.NameState {
	case "verified":
		f.Client.Name, f.Client.Iprev = policy.Seen(r.ClientName), policy.IprevPass
	case "forged":
		f.Client.Name, f.Client.Iprev = policy.Seen(r.Unverified), policy.IprevFail
	case "none":
		f.Client.Iprev = policy.IprevPermError
	}
	if r.HELO != "" || r.MX != "" {
		f.Greeting.Name = policy.Seen(r.HELO)
	}
	f.ParseClient()
	f.ParseGreeting()
	stage := policy.StageRcpt
	if r.Headers != nil {
		stage, f.Headers = policy.StageEOM, new(policy.Headers)
		for _, h := range r.Headers {
			f.Headers.Add([]byte(h[0]), []byte(h[1]))
		}
	}
	j := new(policy.Judgement)
	j.Judge(&f, stage, &Prior, Limit)
	return j
}
