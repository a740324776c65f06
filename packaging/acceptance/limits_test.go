//go:build acceptance

package acceptance

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"golang.org/x/crypto/bcrypt"
)

// packaged is a machine with Postfix and the package, joined, as it was installed.
func packaged(t *testing.T) *machine {
	t.Helper()
	m := boot(t, "postfix")
	m.install(m.pkg.deb)
	m.joined()
	return m
}

// signals are the names of the signals of the newest decision about a client, and what they saw.
func (m *machine) signals(c client) map[string]string {
	m.t.Helper()
	all := map[string]string{}
	for _, s := range m.history(c).Signals {
		all[string(s.Name)] = s.Fact
	}
	return all
}

// TestEvidence: what the unit forbids leaves each source of evidence usable, and each shows in the
// outcome: DNS, the kernel's word on the TCP stack, p0f, an MMDB file.
func TestEvidence(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.install("p0f")
	m.sh("p0f -i lo -s /run/p0f.sock -d -o /var/log/p0f.log 'tcp port 25' >/dev/null 2>&1")
	m.networks("/usr/share/networks.mmdb")
	m.configure("[p0f]\nsocket = \"/run/p0f.sock\"")
	m.configure("[asn]\ndatabase = \"/usr/share/networks.mmdb\"")
	m.sh("mkdir /etc/iot-milter/tables && printf 'asn\\tkind\\tsource\\n64500\\taccess\\tthis test\\n' > /etc/iot-milter/tables/networks.tsv")
	m.configure("[tables]\ndir = \"/etc/iot-milter/tables\"")
	m.sh("systemctl reload iot-milter")

	m.marked(small, "small", "Suspect, class=access")
	seen := m.signals(small)
	for signal, fact := range map[string]string{
		"stack-small-ram": "ws=", "stack-pppoe": "mss=1452", "p0f-line": "", "asn-access": "Example Lines",
	} {
		if got, ok := seen[signal]; !ok || !strings.Contains(got, fact) {
			t.Errorf("no %s with %q among %v", signal, fact, seen)
		}
	}
	// Postfix asks nobody about the sender's policy, so the question is the daemon's.
	if m.names.Count("sender.example", "TXT") == 0 {
		t.Error("nobody asked DNS about the sender's domain")
	}
	m.sound()
}

// networks writes an MMDB file in which the clients' networks have a number.
func (m *machine) networks(path string) {
	m.t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-ASN", IncludeReservedNetworks: true})
	if err != nil {
		m.t.Fatal(err)
	}
	prefix := netip.MustParsePrefix("203.0.113.0/24")
	_, network, _ := net.ParseCIDR(prefix.String())
	err = tree.Insert(network, mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example Lines")})
	if err != nil {
		m.t.Fatal(err)
	}
	f, err := os.Create(m.root + path)
	if err != nil {
		m.t.Fatal(err)
	}
	_, err = tree.WriteTo(f)
	if err := firstOf(err, f.Close()); err != nil {
		m.t.Fatal(err)
	}
}

// TestRedis: the shared store by TCP and by its UNIX socket.
func TestRedis(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.install("redis-server")
	m.sh("printf 'unixsocket /run/redis/redis-server.sock\\nunixsocketperm 777\\n' >> /etc/redis/redis.conf && systemctl restart redis-server")
	for _, store := range []string{"redis://127.0.0.1:6379/0", "unix:///run/redis/redis-server.sock"} {
		m.sh("redis-cli flushall")
		m.configure(fmt.Sprintf("[store]\nurl = %q", store))
		m.sh("systemctl restart iot-milter")
		m.judges(store)
		m.eventually(10*time.Second, "redis-cli dbsize | grep -qv '^0$'")
		if bad := complaints(m.ours()); bad != "" {
			t.Errorf("%s:\n%s", store, bad)
		}
	}
}

// TestAdmin: the page with its password, and the commands for root, for a member of the group, and
// for nobody else.
func TestAdmin(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	m.judges("before")
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	m.configure(fmt.Sprintf("[admin]\npassword = '%s'", hash))
	m.configure("[admin]\nchange_group = \"mailadmin\"")
	m.sh("groupadd mailadmin && useradd -G mailadmin,iot-milter member && useradd -G iot-milter reader && useradd stranger")
	m.sh("systemctl reload iot-milter")

	if status, body := m.page("wrong"); status != http.StatusUnauthorized || strings.Contains(body, nas.addr) {
		t.Errorf("with a wrong password: %d\n%s", status, last(body, 500))
	}
	if status, body := m.page("correct horse"); status != http.StatusOK || !strings.Contains(body, nas.addr) {
		t.Errorf("with the password: %d\n%s", status, last(body, 500))
	}
	for _, as := range []struct {
		user          string
		reads, change bool
	}{{"root", true, true}, {"member", true, true}, {"reader", true, false}, {"stranger", false, false}} {
		for command, may := range map[string]bool{"top --json": as.reads, "history --json": as.reads, "reload": as.change} {
			out, err := m.try(fmt.Sprintf("setpriv --reuid=%s --regid=%s --init-groups -- iot-milter %s", as.user, as.user, command))
			if (err == nil) != may {
				t.Errorf("%s as %s: %v, want %v\n%s", command, as.user, err, may, last(out, 300))
			}
			if command == "history --json" && may {
				says(t, out, nas.addr)
			}
		}
	}
	m.healthy()
}

// page logs in and reads the list of decisions, within the machine's network.
func (m *machine) page(password string) (status int, body string) {
	m.t.Helper()
	jar, _ := cookiejar.New(nil)
	c := http.Client{Jar: jar, Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (conn net.Conn, err error) {
			err = m.inside(func() error {
				conn, err = (&net.Dialer{}).DialContext(ctx, network, addr)
				return err
			})
			return conn, err
		},
	}}
	const at = "http://127.0.0.1:8894"
	resp, err := c.PostForm(at+"/login", url.Values{"password": {password}})
	if err != nil {
		m.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, ""
	}
	if resp, err = c.Get(at + "/decisions"); err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// TestForbidden shows that the restrictions are there, in what the running process may.
func TestForbidden(t *testing.T) {
	t.Parallel()
	m := packaged(t)
	status := m.sh("cat /proc/" + m.pid() + "/status")
	for _, line := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "CapPrm:\t0000000000000000"} {
		if !slices.Contains(strings.Split(status, "\n"), line) {
			t.Errorf("no line %q in\n%s", line, status)
		}
	}
	enter := "nsenter -t " + m.pid() + " -m -- "
	for _, path := range []string{"/etc/iot-milter/x", "/usr/x", "/var/lib/x"} {
		if out, err := m.try(enter + "touch " + path); err == nil || !strings.Contains(out, "Read-only file system") {
			t.Errorf("%s may be written: %v %s", path, err, out)
		}
	}
	m.sh(enter + "touch /var/lib/iot-milter/x && rm /var/lib/iot-milter/x")
	m.sh("echo secret > /home/anna/secret")
	if out, err := m.try(enter + "cat /home/anna/secret"); err == nil {
		t.Errorf("homes are seen: %s", out)
	}
}
