package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/obs"
	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/evidence"
	"github.com/iot-milter/iot-milter/policy/evidence/asn"
	"github.com/iot-milter/iot-milter/policy/evidence/p0f"
	"github.com/iot-milter/iot-milter/policy/evidence/probe"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve"
	"github.com/iot-milter/iot-milter/policy/evidence/tcpinfo"
	"github.com/iot-milter/iot-milter/policy/state/remote"
)

// Sources are the sources of evidence that a configuration wants, and the collector
// that asks them.
type Sources struct {
	Collector *evidence.Collector

	log      *slog.Logger
	dns      *resolve.Resolver
	stacks   *tcpinfo.Source
	asn      *asn.Source
	database bool // of asn, which without one knows what networks are known for
	p0f      *p0f.Client
	probe    *probe.Prober
	handed   atomic.Bool       // probe is others' now, to close
	kinds    []policy.ListKind // of the lists
	absent   map[string]string // sources that could not be had, and why

	stop    chan struct{}
	stopped sync.WaitGroup
}

// SourceOptions are what they need beside the configuration.
type SourceOptions struct {
	Log     *slog.Logger
	Metrics *obs.Metrics // nil counts nothing
	// Prober is used if it is not nil and the configuration wants one: it has the
	// rates of what it did.
	Prober *probe.Prober
	// Before is the prober that a new one takes the place of.
	Before *probe.Prober
	// Facts are what earlier look-ups found; nil keeps nothing.
	Facts *evidence.Facts
	// Recorded leaves out what only makes sense for a connection under way: the
	// kernel's word on it, and probes.
	Recorded bool
}

// OpenSources opens them. One that cannot be had is missing, in the log and in
// States, and its error is among errs: that is own trouble, and mail is judged
// without it.
func OpenSources(c *conf.Config, o SourceOptions) (s *Sources, errs []error) {
	s = &Sources{log: o.Log, absent: map[string]string{}, stop: make(chan struct{})}
	missing := func(source string, err error) {
		if err != nil {
			s.absent[source] = err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", source, err))
		}
	}
	to := evidence.Options{Recorded: o.Recorded, Cymru: c.ASN.Cymru, Lists: lists(c.DNSList), Most: c.Limits.Lookups, Facts: o.Facts, Log: o.Log}
	for _, l := range to.Lists {
		s.kinds = append(s.kinds, l.Kind)
	}
	if o.Metrics != nil {
		to.Meter = o.Metrics
	}
	missing("dns", s.openDNS(c, &o, &to))
	missing("networks", s.openNetworks(c, &o, &to))
	missing("p0f", s.openP0f(c, &o, &to))
	if !o.Recorded {
		missing("tcpinfo", s.openStacks(c, &o, &to))
		missing("probe", s.openProbe(c, &o, &to))
	}
	s.Collector = evidence.New(to)
	return s, errs
}

// CheckSources reports what of the configuration at path only its sources can tell:
// files that they cannot read, as errors; what depends on this machine, as warnings.
func CheckSources(path string, c *conf.Config) (wrong conf.Errors, warnings []conf.Warning) {
	if _, err := asn.ReadKinds(c.Tables.Networks); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			wrong = append(wrong, problem(filepath.Join(c.Tables.Dir, conf.NetworkRows), "tables.dir", errors.New(line)))
		}
	}
	if c.ASN.Database != "" {
		if s, err := asn.New(asn.Options{Database: c.ASN.Database}); err != nil {
			wrong = append(wrong, problem(path, "asn.database", err))
		} else {
			s.Close()
		}
	}
	if c.Store.URL != "" {
		if err := remote.Check(c.Store.URL); err != nil {
			wrong = append(wrong, problem(path, "store.url", err))
		}
	}
	if c.Probe.Enabled {
		if p, err := probe.New(probe.Options{Source: c.Probe.Source, Contact: c.Probe.Contact, Ports: c.Probe.Ports}); err != nil {
			warnings = append(warnings, conf.Warning(problem(path, "probe", err)))
		} else {
			p.Close()
		}
	}
	return wrong, warnings
}

// problem is an error of a source, which ends with its hint.
func problem(path, key string, err error) conf.Problem {
	what, hint, _ := strings.Cut(err.Error(), "; hint: ")
	p := conf.Problem{File: path, Key: key, What: what, Hint: hint}
	if n, _ := fmt.Sscanf(what, "line %d: ", &p.Line); n == 1 {
		_, p.What, _ = strings.Cut(what, ": ")
		p.Col = 1
	}
	return p
}

// meter is the named source's, nil without metrics.
func (o *SourceOptions) meter(name string) *obs.Source {
	if o.Metrics == nil {
		return nil
	}
	return o.Metrics.Source(name)
}

func (s *Sources) openDNS(c *conf.Config, o *SourceOptions, to *evidence.Options) (err error) {
	if !c.DNS.Enabled {
		return nil
	}
	options := resolve.Options{Servers: c.DNS.Servers, Timeout: c.DNS.Timeout, Log: o.Log,
		Inflight: 2 * c.Limits.Lookups, // a look-up asks two questions at once at most
	}
	if m := o.meter("dns"); m != nil {
		options.Meter = m
	}
	if s.dns, err = resolve.New(options); err != nil {
		return err
	}
	to.DNS = s.dns
	to.SPF = func(client netip.Addr) evidence.SPFResolver { return s.dns.Net().For(client) }
	return nil
}

// refreshNetworks is how often the file of networks is looked at.
const refreshNetworks = time.Minute

func (s *Sources) openNetworks(c *conf.Config, o *SourceOptions, to *evidence.Options) (err error) {
	if c.ASN.Database == "" && !c.ASN.Cymru {
		return nil
	}
	options := asn.Options{Database: c.ASN.Database, Kinds: c.Tables.Networks, Log: o.Log}
	if m := o.meter("networks"); m != nil {
		options.Meter = m
	}
	if s.asn, err = asn.New(options); err != nil {
		return err
	}
	to.Networks, s.database = s.asn, c.ASN.Database != ""
	s.stopped.Go(func() {
		tick := time.NewTicker(refreshNetworks)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.asn.Refresh()
			case <-s.stop:
				return
			}
		}
	})
	return nil
}

func (s *Sources) openP0f(c *conf.Config, o *SourceOptions, to *evidence.Options) (err error) {
	if c.P0f.Socket == "" {
		return nil
	}
	options := p0f.Options{Socket: c.P0f.Socket, Log: o.Log}
	if m := o.meter("p0f"); m != nil {
		options.Meter = m
	}
	if s.p0f, err = p0f.New(options); err != nil {
		return err
	}
	to.P0f = s.p0f
	return nil
}

func (s *Sources) openStacks(c *conf.Config, o *SourceOptions, to *evidence.Options) (err error) {
	if !c.TCPInfo.Enabled {
		return nil
	}
	options := tcpinfo.Options{Log: o.Log}
	if m := o.meter("tcpinfo"); m != nil {
		options.Meter = m
	}
	if s.stacks, err = tcpinfo.New(options); err != nil {
		return err
	}
	to.Stacks = s.stacks
	return nil
}

func (s *Sources) openProbe(c *conf.Config, o *SourceOptions, to *evidence.Options) (err error) {
	if !c.Probe.Enabled {
		return nil
	}
	if o.Prober != nil {
		s.probe, to.Prober = o.Prober, o.Prober
		return nil
	}
	options := probe.Options{
		Source: c.Probe.Source, Contact: c.Probe.Contact, Ports: c.Probe.Ports,
		Never: slices.Concat(c.Probe.Never, c.Exempt.Networks, c.Exempt.Relays), Before: o.Before, Log: o.Log,
	}
	if o.Facts != nil {
		options.Book = o.Facts
	}
	if m := o.meter("probe"); m != nil {
		options.Meter = m
	}
	if s.probe, err = probe.New(options); err != nil {
		return err
	}
	to.Prober = s.probe
	return nil
}

func lists(from []conf.DNSList) (to []evidence.List) {
	for _, l := range from {
		kind, err := policy.ParseListKind(l.Kind)
		if err != nil { // conf has checked it
			continue
		}
		to = append(to, evidence.List{
			Zone: strings.ToLower(l.Zone), Codes: l.Codes, Kind: kind,
			Weight: policy.ListWeight(kind, l.Weight, "[[dnslist]] of the configuration"),
		})
	}
	return to
}

// Finds says of a signal whether these sources can find what it looks at.
func (s *Sources) Finds(signal string) bool {
	source, _, _ := strings.Cut(signal, "-")
	switch source {
	case "asn":
		return s.asn != nil
	case "p0f":
		return s.p0f != nil
	case "sender", "spf":
		return s.dns != nil && signal != "sender-random"
	case "list":
		return slices.ContainsFunc(s.kinds, func(k policy.ListKind) bool { return signal == "list-"+k.String() })
	case "stack":
		return s.stacks != nil
	case "banner":
		return s.probe != nil
	}
	return false
}

// evidence is the collector, nil where there is nothing to ask: then MTAs need not
// tell of connections before their first recipient.
func (s *Sources) evidence() policy.Evidence {
	if s.dns == nil && s.stacks == nil && s.asn == nil && s.p0f == nil && s.probe == nil {
		return nil
	}
	return s.Collector
}

// States says how each source is: "ok", or what is wrong.
func (s *Sources) States() map[string]string {
	states := make(map[string]string)
	for source, why := range s.absent {
		states[source] = why
	}
	if s.dns != nil {
		states["dns"] = "ok"
		if !s.dns.Healthy() {
			states["dns"] = "no server answers"
		}
	}
	if s.stacks != nil {
		states["tcpinfo"] = s.stacks.State()
	}
	if s.database {
		states["networks"] = s.asn.State()
	}
	if s.p0f != nil {
		states["p0f"] = s.p0f.State()
	}
	if s.probe != nil {
		states["probe"] = s.probe.State()
	}
	for zone, state := range s.Collector.Lists() {
		states["list "+zone] = state
	}
	return states
}

// sizes are how full they are.
func (s *Sources) sizes() (z obs.SourceSizes) {
	z.Underway = s.Collector.Underway()
	if s.dns != nil {
		z.DNSEntries, z.DNSBytes = s.dns.Cached()
	}
	return z
}

// Close closes them. Look-ups under way find nothing more.
func (s *Sources) Close() {
	close(s.stop)
	s.stopped.Wait()
	s.Collector.Close()
	closing := []func() error{}
	if s.probe != nil && !s.handed.Load() {
		s.probe.Close()
	}
	if s.p0f != nil {
		closing = append(closing, s.p0f.Close)
	}
	if s.stacks != nil {
		closing = append(closing, s.stacks.Close)
	}
	if s.asn != nil {
		closing = append(closing, s.asn.Close)
	}
	if s.dns != nil {
		s.dns.Close()
	}
	for _, c := range closing {
		if err := c(); err != nil {
			s.log.Debug("closing a source", "err", err)
		}
	}
}

// prober is what the sources for config shall have of the prober: itself if they
// want the same one, else what it knows and did.
func (s *Sources) prober(was, config *conf.Config) (same, before *probe.Prober) {
	if !reflect.DeepEqual(probed(was), probed(config)) {
		return nil, s.probe
	}
	s.handed.Store(true)
	return s.probe, nil
}

// probed is what a prober depends on.
func probed(c *conf.Config) any { return []any{c.Probe, c.Exempt.Networks, c.Exempt.Relays} }

// sameSources reports whether both configurations want the same sources, which then
// stay with all that they remember.
func sameSources(a, b *conf.Config) bool {
	part := func(c *conf.Config) any {
		return []any{c.DNS, c.DNSList, c.TCPInfo, c.P0f, c.ASN, c.Tables.Networks, c.Limits.Lookups, probed(c)}
	}
	return reflect.DeepEqual(part(a), part(b))
}
