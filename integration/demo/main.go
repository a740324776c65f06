// Command demo shows the main job: it starts a private Postfix on loopback with
// iot-milter as its milter, delivers the mail of a mail server, of a home line
// and of a NAS, and prints what was stored and what was logged. It fails if a
// header is not what it should be. It needs root for Postfix, touches nothing
// outside its own folder, and ends only what it started.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/iot-milter/iot-milter/integration/sink"
)

// limit bounds the whole demo, and maxWait one step of it.
const (
	limit   = 2 * time.Minute
	maxWait = 20 * time.Second
)

func main() {
	binary := flag.String("daemon", "build/iot-milter", "iot-milter's `binary`")
	script := flag.String("postfix", "integration/mta/postfix.sh", "`script` that starts and stops Postfix")
	keep := flag.Bool("keep", false, "keep the folder with configuration and logs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, *binary, *script, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	fmt.Println("\ndemo: three mails delivered, each with the header that it should have")
}

func run(ctx context.Context, binary, script string, keep bool) (err error) {
	dir, err := os.MkdirTemp("", "iot-milter-demo")
	if err != nil {
		return err
	}
	defer func() {
		if keep || err != nil {
			fmt.Fprintln(os.Stderr, "demo: configuration and logs are in", dir)
			return
		}
		os.RemoveAll(dir)
	}()
	// Postfix runs under users of its own and must come to the socket.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	store, err := sink.Listen(sink.Options{Addr: "127.0.0.1:0", LMTP: true})
	if err != nil {
		return err
	}
	defer store.Close()
	d, err := startDaemon(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer d.stop()
	mta, stopMTA, err := startPostfix(ctx, script, filepath.Join(dir, "postfix"), d.socket, store.Port())
	if err != nil {
		return err
	}
	defer stopMTA()
	for i, m := range mails {
		if err := m.send(ctx, mta); err != nil {
			return fmt.Errorf("%s: %w", m.who, err)
		}
		if err := m.show(store.Wait(i+1, maxWait), i); err != nil {
			return err
		}
	}
	if err := d.stop(); err != nil {
		return err
	}
	return showVerdicts(d.log.String())
}

// daemon is the running iot-milter.
type daemon struct {
	socket string
	log    strings.Builder
	cmd    *exec.Cmd
	ended  bool
}

const config = `# the demo's; everything else is the default
listen = ["unix:%s"]
socket_group = "postfix"
state_dir = %q
admin.listen = ""
admin.control = ""
`

func startDaemon(ctx context.Context, binary, dir string) (*daemon, error) {
	d := &daemon{socket: filepath.Join(dir, "iot-milter.sock")}
	path := filepath.Join(dir, "iot-milter.toml")
	if err := os.WriteFile(path, fmt.Appendf(nil, config, d.socket, dir), 0o644); err != nil {
		return nil, err
	}
	d.cmd = exec.CommandContext(ctx, binary, "run", "-c", path)
	d.cmd.Cancel = func() error { return d.cmd.Process.Signal(syscall.SIGTERM) }
	d.cmd.WaitDelay = maxWait
	d.cmd.Stderr = &d.log
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; hint: make build", err)
	}
	for end := time.Now().Add(maxWait); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("unix", d.socket); err == nil {
			return d, c.Close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			d.stop()
			return nil, fmt.Errorf("the daemon does not listen:\n%s", d.log.String())
		}
	}
}

// stop lets the daemon end in order. The second call does nothing.
func (d *daemon) stop() error {
	if d.ended {
		return nil
	}
	d.ended = true
	d.cmd.Process.Signal(syscall.SIGTERM)
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("the daemon did not end in order: %w\n%s", err, d.log.String())
	}
	return nil
}

// startPostfix returns the address that it listens on.
func startPostfix(ctx context.Context, script, dir, socket string, store int) (addr string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, script, "start", dir)
	cmd.Env = append(os.Environ(), "MTA_MILTER="+socket, fmt.Sprintf("MTA_SINK=%d", store))
	cmd.Stderr = os.Stderr
	stop = func() {
		// The demo's own context may be what ended it.
		if out, err := exec.Command(script, "stop", dir).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "demo: postfix does not stop: %v\n%s", err, out)
		}
	}
	out, err := cmd.Output()
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("%s: %w", script, err)
	}
	port := regexp.MustCompile(`(?m)^port=(\d+)$`).FindSubmatch(out)
	if port == nil {
		stop()
		return "", nil, fmt.Errorf("%s names no port", script)
	}
	return "127.0.0.1:" + string(port[1]), stop, nil
}

// show prints the stored header of the mail that came as number i and compares it.
func (m *mail) show(stored []sink.Message, i int) error {
	if len(stored) != i+1 {
		return fmt.Errorf("%s: the mail was not delivered", m.who)
	}
	header := field(string(stored[i].Data), "X-IoT-Spam")
	fmt.Printf("\n%d. %s: %s, PTR name %s, HELO %s\n", i+1, m.who, m.addr, m.ptr, m.helo)
	if header == "" {
		return fmt.Errorf("%s: the stored mail has no X-IoT-Spam", m.who)
	}
	fmt.Println(strings.TrimRight(header, "\n"))
	for _, want := range m.want {
		if !strings.Contains(header, want) {
			return fmt.Errorf("%s: the header should have %q", m.who, want)
		}
	}
	return nil
}

// field returns a header field as it stands in a message, folds included.
func field(message, name string) string {
	header, _, _ := strings.Cut(strings.ReplaceAll(message, "\r\n", "\n"), "\n\n")
	all := regexp.MustCompile(`(?m)^`+name+`:.*\n?(?:[ \t].*\n?)*`).FindAllString(header, -1)
	if len(all) != 1 {
		return ""
	}
	return all[0]
}

// showVerdicts prints the verdict lines, one for each mail.
func showVerdicts(log string) error {
	var lines []string
	for line := range strings.Lines(log) {
		if strings.Contains(line, " msg=verdict ") {
			lines = append(lines, line)
		}
	}
	fmt.Printf("\nThe daemon's verdict lines:\n%s", strings.Join(lines, ""))
	if len(lines) != len(mails) {
		return fmt.Errorf("%d verdict lines for %d mails; the whole log:\n%s", len(lines), len(mails), log)
	}
	return nil
}
