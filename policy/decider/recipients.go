package decider

import (
	"slices"

	"github.com/iot-milter/iot-milter/policy"
)

// recipients counts the accepted ones by domain: the first few domains, further ones with
// the last.
type recipients struct {
	domains [policy.MaxTo]string // lower case
	counts  [policy.MaxTo]int32
	n       int
}

func (r *recipients) add(domain string) {
	if domain == "" {
		return
	}
	i := slices.Index(r.domains[:r.n], domain)
	if i < 0 {
		if r.n < len(r.domains) {
			r.domains[r.n] = domain
			r.n++
		}
		i = r.n - 1
	}
	r.counts[i]++
}

// of is how many are of the domain.
func (r *recipients) of(domain string) int {
	if i := slices.Index(r.domains[:r.n], domain); i >= 0 {
		return int(r.counts[i])
	}
	return 0
}
