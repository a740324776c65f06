package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// coreShare is how many of the machine's processors one of the daemon's stands for. A
// message costs an MTA several times of what it costs the filter (docs/performance.md), so
// the MTA has no use for more than this.
const coreShare = 4

// hasten has the daemon start quickly, for MTAs wait for it: on all processors, and without the
// collector, which would go through the history again and again while that is read, and find
// next to nothing. The memory limit holds all the same. What it returns is for when it serves.
func hasten() (unhurried func()) {
	percent := debug.SetGCPercent(-1)
	return func() {
		takeShare() // first: it would wait for a collection
		debug.SetGCPercent(percent)
	}
}

// takeShare has the daemon run on a share of the machine's processors, unless the admin
// says otherwise by GOMAXPROCS, as with any Go program. A session is short pieces of work
// with waiting between. For each of them an idle processor is woken, finds nothing to do and
// goes to sleep again: with as many as the machine has that was a fifth of a message's CPU.
func takeShare() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(shareOf(runtime.GOMAXPROCS(0)))
	}
}

// shareOf rounds up. What a container is allowed at the start is taken into account by the
// runtime; what that is changed to later is not, once somebody has said how many.
func shareOf(all int) int { return (all + coreShare - 1) / coreShare }
