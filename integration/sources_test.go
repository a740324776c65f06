//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// The sources of evidence beside DNS and the kernel, as configurations of cases name
// them.
const (
	p0fSocket = "/srv/p0f.sock"
	networkDB = "/srv/networks.mmdb"
	tablesDir = "/srv/tables" // says what the networks are known for
)

// serveSources starts p0f and writes the database of networks.
func serveSources() error {
	if _, err := startP0f(p0fSocket); err != nil {
		return err
	}
	if err := writeNetworks(networkDB); err != nil {
		return err
	}
	if err := os.Mkdir(tablesDir, 0o755); err != nil {
		return err
	}
	rows := "asn\tkind\tsource\n64500\taccess\ttests\n64501\thosting\ttests\n64502\tmobile\ttests\n"
	return os.WriteFile(filepath.Join(tablesDir, "networks.tsv"), []byte(rows), 0o644)
}

// writeNetworks puts a database in the layout of GeoLite2-ASN in place, as an
// updater does: by renaming.
func writeNetworks(path string) error {
	w, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-ASN", RecordSize: 24, IncludeReservedNetworks: true, DisableIPv4Aliasing: true})
	if err != nil {
		return err
	}
	for prefix, asn := range map[string]uint32{
		"203.0.113.0/24": 64500, "198.51.100.0/24": 64501, "2001:db8:99::/48": 64502,
	} {
		_, network, err := net.ParseCIDR(prefix)
		if err != nil {
			return err
		}
		record := mmdbtype.Map{
			"autonomous_system_number":       mmdbtype.Uint32(asn),
			"autonomous_system_organization": mmdbtype.String(fmt.Sprintf("Example %d", asn)),
		}
		if err := w.Insert(network, record); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		return err
	}
	return replace(path, b.Bytes())
}

func replace(path string, data []byte) error {
	if err := os.WriteFile(path+".new", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// startP0f returns a p0f that watches all wires, when it listens. It ends with the
// namespaces.
func startP0f(socket string) (*exec.Cmd, error) {
	out := new(logBuffer)
	cmd := exec.Command("p0f", "-i", "any", "-f", "/etc/p0f/p0f.fp", "-s", socket)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("p0f: %w", err)
	}
	for range 500 {
		if strings.Contains(out.String(), "Entered main event loop") {
			return cmd, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil, fmt.Errorf("p0f does not start: %s", out.String())
}

var endP0f sync.Mutex

// stopP0f ends one for good.
func stopP0f(cmd *exec.Cmd) {
	endP0f.Lock()
	defer endP0f.Unlock()
	if cmd.ProcessState == nil {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	}
}
