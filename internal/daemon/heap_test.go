package daemon

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

var garbage []byte

// resident is this process' anonymous memory, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("only Linux tells:", err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(v), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no RssAnon")
	return 0
}

// It is a process of its own that is looked at, as a daemon that starts: here other tests have
// used the heap, and what is used again is cleared, which touches it.
func TestBallastIsNotThereAndSavesCollections(t *testing.T) {
	const own = "IOT_MILTER_TEST_BALLAST"
	if os.Getenv(own) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), own+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	before := resident(t)
	if len(ballast()) != ballastSize {
		t.Fatal(len(ballast()))
	}
	if more := resident(t) - before; more > ballastSize/4 {
		t.Errorf("it takes %d bytes of memory", more)
	}
	runtime.GC() // which now knows of it
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	const waste = 80 << 20
	for range waste >> 12 {
		garbage = make([]byte, 1<<12)
	}
	runtime.ReadMemStats(&end)
	// Without it one for each 4 MiB, the runtime's least heap, less what is live.
	if n := end.NumGC - start.NumGC; n > 10 {
		t.Errorf("%d collections for %d MiB", n, waste>>20)
	}
}
