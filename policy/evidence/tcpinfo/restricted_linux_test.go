package tcpinfo

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/iot-milter/iot-milter/policy"
)

// request and report are what a test and its restricted child tell each other.
type request struct {
	Client, Server netip.AddrPort
	Families       []uint32 // of sockets that may be made; all others are refused
}

type report struct {
	Status  string // of /proc/self/status
	Error   string // of New or Stack
	Stack   policy.Stack
	Counter int64 // SyncookiesRecv
	Spoken  uint8 // by /proc/sys
}

// restrictedChild answers the request in its environment as a service that systemd
// restricts.
func restrictedChild() int {
	var q request
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &q); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := restrictFamilies(q.Families); err != nil {
		fmt.Fprintln(os.Stderr, "seccomp:", err)
		return 1
	}
	r := ask(q)
	status, _ := os.ReadFile("/proc/self/status")
	r.Status = string(status)
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return 1
	}
	return 0
}

func ask(q request) (r report) {
	s, err := New(Options{})
	if err != nil {
		r.Error = err.Error()
		return r
	}
	defer s.Close()
	r.Counter, r.Spoken = s.own.counter, s.own.files.spoken
	if r.Stack, err = s.Stack(q.Client, q.Server); err != nil {
		r.Error = err.Error()
	}
	return r
}

// restrictFamilies does what RestrictAddressFamilies= does: socket(2) of other
// families fails with EAFNOSUPPORT, in all threads.
func restrictFamilies(families []uint32) error {
	argument := uint32(16) // args[0] of struct seccomp_data, its low half
	if bigEndian {
		argument = 20
	}
	load := func(off uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: off}
	}
	equal := func(k uint32, yes, no int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: uint8(yes), Jf: uint8(no)}
	}
	end := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	filter := []unix.SockFilter{load(0), equal(unix.SYS_SOCKET, 0, len(families)+2), load(argument)}
	for i, family := range families {
		filter = append(filter, equal(family, len(families)-i, 0))
	}
	filter = append(filter, end(unix.SECCOMP_RET_ERRNO|uint32(unix.EAFNOSUPPORT)), end(unix.SECCOMP_RET_ALLOW))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// runRestricted runs the child as nobody, without capabilities and with
// NoNewPrivileges; proc are the options of its own /proc, if it has one.
func runRestricted(t *testing.T, proc string, q request) report {
	t.Helper()
	needNamespace(t)
	exe, err := os.Open("/proc/self/exe") // nobody may not enter the folder that it is in
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	question, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	script := `exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs /proc/self/fd/3`
	if proc != "" {
		script = "mount -t proc -o " + proc + " proc /proc && " + script
	}
	cmd := exec.Command("unshare", "--mount", "sh", "-c", script)
	cmd.Env = append(os.Environ(), childEnv+"="+string(question))
	cmd.ExtraFiles = []*os.File{exe}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, line := range []string{`Uid:\s65534\s65534\s`, `CapEff:\s0+\n`, `CapBnd:\s0+\n`, `NoNewPrivs:\s1\n`, `Seccomp:\s2\n`} {
		if !regexp.MustCompile(line).MatchString(r.Status) {
			t.Errorf("the child is not restricted: no %s in\n%s", line, r.Status)
		}
	}
	return r
}

// unitFamilies are those of the unit in the package's documentation.
var unitFamilies = []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}

func TestRestrictedServiceSeesConnectionsOfOthers(t *testing.T) {
	for _, test := range []struct {
		name, proc string
		sys        bool // /proc/sys is to be seen
	}{
		{"as the documentation says", "", true},
		{"ProtectProc=invisible", "hidepid=invisible", true},
		{"ProcSubset=pid", "hidepid=invisible,subset=pid", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			needNamespace(t)
			for _, network := range []string{"tcp4", "tcp"} {
				c := place{}.connect(t, listen(t, network, ":0"), netip.MustParseAddr("127.0.0.1"))
				r := runRestricted(t, test.proc, request{c.remote(), c.local(), unitFamilies})
				if r.Error != "" || !r.Stack.Known || !r.Stack.Whole {
					t.Errorf("%s: %+v", network, r)
				}
				if r.Counter < 0 || r.Spoken == optOffered != test.sys {
					t.Errorf("%s: SyncookiesRecv %d, spoken %d", network, r.Counter, r.Spoken)
				}
				// Its end and the client's address are unknown: by a dump.
				if r = runRestricted(t, test.proc, request{c.remote(), netip.AddrPort{}, unitFamilies}); !r.Stack.Known {
					t.Errorf("%s: no dump: %+v", network, r)
				}
			}
		})
	}
}

func TestRestrictedServiceWithoutNetlink(t *testing.T) {
	needNamespace(t)
	r := runRestricted(t, "", request{Families: []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6}})
	if !strings.Contains(r.Error, "netlink is denied: ") || !strings.Contains(r.Error, "hint: a systemd unit needs AF_NETLINK") {
		t.Error(r.Error)
	}
}

// TestAnotherNamespace is the MTA in a container: nothing is seen, nothing fails.
func TestAnotherNamespace(t *testing.T) {
	there := newPlace(t)
	var s *Source
	there.do(t, func() (err error) {
		s, err = New(Options{})
		return err
	})
	defer s.Close()
	c := place{}.connect(t, listen(t, "tcp4", "127.0.0.1:0"), netip.Addr{})
	for range missesLikely {
		if got := stackOf(t, s, c.remote(), c.local()); got.Known {
			t.Error(got)
		}
	}
	if got := s.State(); !strings.Contains(got, "the MTA is likely in another network namespace") {
		t.Error(got)
	}
	start := time.Now()
	stackOf(t, s, c.remote(), c.local())
	if took := time.Since(start); took > patience {
		t.Error("a miss took", took)
	}
}
