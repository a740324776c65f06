//go:build linux

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// home makes a folder for a filter that runs as a user of its own.
func home(dir, owner string) (string, error) {
	u, err := user.Lookup(owner)
	if err != nil {
		return "", fmt.Errorf("%w; hint: .ci/setup test installs its package", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.Chown(dir, uid, -1)
}

// startOpendkim runs opendkim with the configuration of its package, and lines in place of those of
// the same keys: where it is, that Postfix may write to it, and its name server, for it
// would ask the roots of DNS otherwise; without DNSSEC, since the bench's zone is not signed.
func startOpendkim(name string, o options, lines ...string) (*filter, error) {
	dir, err := home(filepath.Join(o.dir, fileName(name)), "opendkim")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "opendkim.sock")
	lines = append(lines, "Socket local:"+socket, "PidFile "+filepath.Join(dir, "pid"), "UMask 000", "Nameservers 127.0.0.1", "TrustAnchorFile")
	packaged, err := os.ReadFile("/etc/opendkim.conf")
	if err != nil {
		return nil, err
	}
	var conf strings.Builder
	for line := range strings.Lines(string(packaged)) {
		if words := strings.Fields(line); len(words) == 0 || !slices.ContainsFunc(lines, func(l string) bool { return strings.Fields(l)[0] == words[0] }) {
			conf.WriteString(line)
		}
	}
	for _, line := range lines {
		if strings.Contains(line, " ") { // a key alone is left out
			conf.WriteString(line + "\n")
		}
	}
	path := filepath.Join(dir, "opendkim.conf")
	if err := os.WriteFile(path, []byte(conf.String()), 0o644); err != nil {
		return nil, err
	}
	return startFilter(name, socket, "opendkim", "-f", "-x", path)
}

// startRspamd runs rspamd with the configuration of its package, but for where its files and its
// milter's socket are.
func startRspamd(name string, o options) (*filter, error) {
	dir, err := home(filepath.Join(o.dir, name), "_rspamd")
	if err != nil {
		return nil, err
	}
	socket, local := filepath.Join(dir, "milter.sock"), filepath.Join(dir, "local.d")
	if err := os.Mkdir(local, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(local, "worker-proxy.inc"), fmt.Appendf(nil, "bind_socket = \"%s mode=0666\";\n", socket), 0o644); err != nil {
		return nil, err
	}
	args := []string{"-f", "-u", "_rspamd", "-g", "_rspamd", "-c", "/etc/rspamd/rspamd.conf"}
	for _, place := range []string{"DBDIR", "LOGDIR", "RUNDIR", "LOCAL_CONFDIR"} {
		args = append(args, "--var="+place+"="+dir)
	}
	return startFilter(name, socket, "rspamd", args...)
}

// signer is an opendkim that signs for example.net.
type signer struct {
	*filter
	record string // of its key, for the zone
}

func startSigner(o options) (*signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.dir, "s1.private")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(path, text, 0o644); err != nil { // a throw-away key that another user reads
		return nil, err
	}
	f, err := startOpendkim("signer", o, "Domain example.net", "Selector s1", "KeyFile "+path, "RequireSafeKeys no", "Mode s")
	if err != nil {
		return nil, err
	}
	p := base64.StdEncoding.EncodeToString(public)
	return &signer{f, fmt.Sprintf("s1._domainkey.example.net TXT \"v=DKIM1; k=rsa; p=%s\" \"%s\"", p[:200], p[200:])}, nil
}

// message is a mail of some size, signed.
type message struct {
	fields []mtascript.Header
	text   []byte
	wire   []byte // as it stands after DATA
}

func (s *signer) message(z size) (m message, err error) {
	m.fields, m.text = z.fields(), z.text()
	out, err := shown(s.filter, mtascript.Client{Host: "localhost", Addr: "127.0.0.1", Port: 40000}, "localhost", m)
	if err != nil {
		return m, fmt.Errorf("signing: %w", err)
	}
	for _, e := range out.Final.Edits {
		if e.Name == signature {
			m.fields = append([]mtascript.Header{{Name: e.Name, Value: strings.TrimSpace(e.Value)}}, m.fields...)
			m.wire = wire(m.fields, m.text)
			return m, nil
		}
	}
	return m, errors.New("opendkim signed nothing")
}

// shown is what a filter says to a message that no MTA shows it.
func shown(f *filter, c mtascript.Client, helo string, m message) (*mtascript.Outcome, error) {
	s := mtascript.Session{Client: c, Helo: helo, Messages: []mtascript.Message{{
		From: "a@d0.example.net", Rcpts: []string{"b@example.test"}, Headers: m.fields, Body: m.text}}}
	t, err := s.Dial("unix", f.socket)
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", f.name, err, tail(f.log))
	}
	return &t.Messages[0], nil
}

// proven fails if a filter does not do what it is compared for: its edits, or for rspamd its log,
// must show that word.
func proven(f *filter, word string, c caller, m message) error {
	out, err := shown(f, mtascript.Client{Host: c.host, Addr: c.addr.String(), Port: 40000}, c.helo, m)
	if err != nil {
		return err
	}
	for _, e := range out.Final.Edits {
		if strings.Contains(e.Name+": "+e.Value, word) {
			return nil
		}
	}
	log := filepath.Join(filepath.Dir(f.socket), "rspamd.log")
	if b, err := os.ReadFile(log); err == nil && strings.Contains(string(b), word) {
		return nil
	}
	return fmt.Errorf("%s shows no %s: %+v\n%s", f.name, word, out.Final, tail(log))
}
