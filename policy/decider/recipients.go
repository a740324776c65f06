package decider

import (
	"slices"

	"github.com/iot-milter/iot-milter/policy"
)

// recipients are the domains of accepted ones, the first few.
type recipients struct {
	domains [policy.MaxTo]string
	n       int
}

func (r *recipients) add(domain string) {
	if domain != "" && r.n < len(r.domains) && !slices.Contains(r.domains[:r.n], domain) {
		r.domains[r.n] = domain
		r.n++
	}
}
