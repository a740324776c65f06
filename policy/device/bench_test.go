package device

import (
	"bufio"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"testing"
)

// benchNames are names of all kinds; the last ones are the parser's worst.
var benchNames = []struct{ name, addr string }{
	{"cpe-203-0-113-7.dyn.isp.example", "203.0.113.7"},
	{"mx1.example.org", "192.0.2.1"},
	{"ec2-203-0-113-7.eu-west-1.compute.amazonaws.com", "203.0.113.7"},
	{"s010600095b264f7d.vw.isp.example", "203.0.113.7"},
	{"lon-gw-service-backbone-router.net.example.co.uk", "203.0.113.7"},
	{"DiskStation", "203.0.113.7"},
	{"p20010db8000100020000000000000007.dip0.isp.example", "2001:db8:1:2::7"},
	{"7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.isp.example", "2001:db8:1:2::8"},
}

func BenchmarkParse(b *testing.B) {
	for _, bb := range benchNames {
		addr := netip.MustParseAddr(bb.addr)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(bb.name, addr)
			}
		})
	}
}

// ispPatterns are 1,500 patterns in the form that lists of access providers'
// names have: anchored, a shape of the address, the provider's domain. The
// environment variable IOT_MILTER_RDNS_PATTERNS names a file with others, one a
// line or in the second column.
func ispPatterns(b *testing.B) (all []*regexp.Regexp) {
	if path := os.Getenv("IOT_MILTER_RDNS_PATTERNS"); path != "" {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			columns := strings.Split(s.Text(), "\t")
			if re, err := regexp.Compile(columns[min(1, len(columns)-1)]); err == nil {
				all = append(all, re)
			}
		}
		return all
	}
	shapes := []string{
		`^[a-z]+(-[12]?[0-9]{1,2}){4}\.dyn%d\.isp%d\.example$`,
		`^([12]?[0-9]{1,2}\.){4}adsl%d\.isp%d\.example$`,
		`^[12]?[0-9]{1,2}(-[12]?[0-9]{1,2}){3}\.pool%d\.isp%d\.example$`,
		`^p[0-9a-f]{8}\.dip%d\.isp%d\.example$`,
		`\.cable%d\.isp%d\.example$`,
	}
	for i := range 1500 {
		all = append(all, regexp.MustCompile("(?i)"+fmt.Sprintf(shapes[i%len(shapes)], i%7, i)))
	}
	return all
}

// BenchmarkRegexps is the way that most programs take, a pattern a provider, for
// comparison: the cost of a name that no pattern matches, as most mail servers'.
func BenchmarkRegexps(b *testing.B) {
	all := ispPatterns(b)
	for _, bb := range benchNames[:3] {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for _, re := range all {
					if re.MatchString(bb.name) {
						break
					}
				}
			}
		})
	}
}
