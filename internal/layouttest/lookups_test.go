package layouttest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

// sampleConfig is the path by which the examples of the documents name a
// configuration. What they print is tested with that of lookups.
const sampleConfig = "/etc/iot-milter/iot-milter.toml"

// lookups starts the sources that the examples ask (a DNS server, a database of
// networks, a p0f) and returns the path of a configuration with them. Lists and
// kinds of networks are those that the documents show.
func lookups(t *testing.T) (config string) {
	t.Helper()
	zone, err := os.ReadFile(filepath.Join("testdata", "lookups.zone"))
	if err != nil {
		t.Fatal(err)
	}
	server, err := dnstest.Start("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	if err := server.Set(string(zone)); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "docs") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kinds := write("tables/networks.tsv", []byte(shown(t, "docs/tables.md", "tsv", "# networks.tsv\n")))
	text := fmt.Sprintf("dns.servers = [%q]\np0f.socket = %q\nasn.database = %q\ntables.dir = %q\n%s", server.Addr(),
		serveP0f(t, filepath.Join(dir, "p0f.sock")), write("asn.mmdb", networks(t)), filepath.Dir(kinds),
		shown(t, "docs/evidence.md", "toml", "[[dnslist]]"))
	return write("iot-milter.toml", []byte(text))
}

// shown is the block of a document that has a text.
func shown(t *testing.T, path, language, text string) string {
	t.Helper()
	page := onePage(t, path)
	for _, b := range page.Of(language) {
		if strings.Contains(b.Text, text) {
			return b.Text
		}
	}
	t.Fatalf("%s: no %s block with %q", path, language, text)
	return ""
}

// networks is a database of the networks for documentation, each of another holder.
func networks(t *testing.T) []byte {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: "GeoLite2-ASN", RecordSize: 24, BuildEpoch: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).Unix(),
		IncludeReservedNetworks: true, DisableIPv4Aliasing: true,
		Description: map[string]string{"en": "networks for documentation"}, Languages: []string{"en"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, holder := range []struct{ network, name string }{
		{"203.0.113.0/24", "Example Broadband"}, {"198.51.100.0/25", "Example Mobile"}, {"192.0.2.0/25", "Example Hosting"},
		{"198.51.100.128/25", "Example Business Lines"}, {"192.0.2.128/25", "Example University"},
	} {
		_, network, err := net.ParseCIDR(holder.network)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(network, mmdbtype.Map{
			"autonomous_system_number": mmdbtype.Uint32(64496 + i), "autonomous_system_organization": mmdbtype.String(holder.name),
		}); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// seen is what the p0f of the examples knows of addresses, by their last octet.
var seen = map[byte]struct {
	system, link string
	nat          bool
}{
	31: {system: "iOS", link: "Ethernet or modem"}, 32: {system: "Windows", link: "Ethernet or modem"},
	33: {system: "Linux", link: "DSL"}, 34: {system: "Linux", link: "Ethernet or modem", nat: true},
}

// serveP0f answers like p0f 3 (its README, section 4) and returns the socket.
func serveP0f(t *testing.T, socket string) string {
	t.Helper()
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				var question [21]byte
				for {
					if _, err := io.ReadFull(conn, question[:]); err != nil {
						return
					}
					if _, err := conn.Write(p0fAnswer(question[8])); err != nil {
						return
					}
				}
			}()
		}
	}()
	return socket
}

func p0fAnswer(octet byte) []byte {
	a := make([]byte, 232)
	binary.NativeEndian.PutUint32(a, 0x50304602)
	host, ok := seen[octet]
	if !ok {
		binary.NativeEndian.PutUint32(a[4:], 0x20) // no match
		return a
	}
	binary.NativeEndian.PutUint32(a[4:], 0x10)
	if host.nat {
		binary.NativeEndian.PutUint32(a[28:], uint32(time.Now().Unix()))
	}
	copy(a[40:72], host.system)
	copy(a[168:200], host.link)
	return a
}

// TestDocsListsAreTheSample compares the lists that are shown with those of the
// annotated configuration, where the first entry explains the keys.
func TestDocsListsAreTheSample(t *testing.T) {
	read := func(text string) []conf.DNSList {
		c, _, err := conf.Parse("lists", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c.DNSList
	}
	_, sample, _ := strings.Cut(string(conf.Sample), "#[[dnslist]]\n")
	sample, _, _ = strings.Cut(sample, "\n[tcpinfo]\n")
	got := read("[[dnslist]]\n" + uncomment.ReplaceAllString(sample, "$1"))[1:]
	want := read(shown(t, "docs/evidence.md", "toml", "[[dnslist]]"))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("docs/evidence.md shows\n%+v\nand the sample\n%+v", want, got)
	}
}

var uncomment = regexp.MustCompile(`(?m)^#(\[\[|[a-z_]+ = )`)
