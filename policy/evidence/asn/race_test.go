//go:build race

package asn

// raceEnabled: the race detector empties pools at random.
const raceEnabled = true
