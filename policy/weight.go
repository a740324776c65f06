package policy

// Weight is one row of the table: what a signal's status is worth.
type Weight struct {
	Signal string
	Status Status
	// Decibans, per class: 10·log10 of how much likelier the finding is from a
	// client of that class than from a mail server, whose entry is 0.
	Decibans PerClass
	// Measured says that Source gives a rate among legitimate mail. Rows
	// without one weigh at most 5 decibans and never complete a refusal.
	Measured bool
	Source   string
}

// MaxUnmeasured is the most, in decibans, that a row without a measured or cited
// rate may weigh.
const MaxUnmeasured = 5

// weigh is shorthand for the table: decibans against a mail server.
func weigh(hosting, business, access, device float64) PerClass {
	return PerClass{ClassHosting: hosting, ClassBusiness: business, ClassAccess: access, ClassDevice: device}
}

type weightKey struct {
	signal string
	status Status
}

var weightIndex = func() map[weightKey]*Weight {
	index := make(map[weightKey]*Weight, len(Weights))
	for i := range Weights {
		w := &Weights[i]
		index[weightKey{w.Signal, w.Status}] = w
	}
	return index
}()

func weightOf(signal string, status Status) *Weight { return weightIndex[weightKey{signal, status}] }

// WeightsDate is the day on which the table was last measured.
const WeightsDate = "2026-11-22"
