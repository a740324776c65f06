package disk

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// The files of secrets, in the directory: the installation's, and the one that it shares
// with other hosts.
const (
	secretName = "secret"
	sharedName = "secret.shared"
)

// Secret returns the installation's secret, for state.Options. It is made at the
// first start: 32 hexadecimal digits that only the daemon may read. Where
// that fails it is the secret of this process, which is said: hashes of earlier
// processes find nothing then.
func Secret(dir string, log *slog.Logger) (secret [16]byte) {
	path := filepath.Join(dir, secretName)
	secret, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret, err = makeSecret(dir, path)
	}
	if err != nil {
		rand.Read(secret[:]) // never fails (crypto/rand)
		log.Warn("no secret of the installation", "file", path, "err", err,
			"hint", "this process has one of its own, and forgets deferrals and habits at its end; the file holds 32 hexadecimal digits and belongs to the daemon's user, mode 0600")
	}
	return secret
}

func readSecret(path string) (secret [16]byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return secret, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return secret, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return secret, fmt.Errorf("%s: mode %v: others may read it", path, info.Mode())
	}
	var text [2*len(secret) + 2]byte
	n, err := f.Read(text[:])
	if err != nil {
		return secret, fmt.Errorf("%s: %w", path, err)
	}
	digits := strings.TrimSuffix(string(text[:n]), "\n")
	if len(digits) != 2*len(secret) {
		return secret, fmt.Errorf("%s: not %d hexadecimal digits", path, 2*len(secret))
	}
	_, err = hex.Decode(secret[:], []byte(digits))
	return secret, err
}

// makeSecret makes a new one. Of two daemons that do so at once the first wins.
func makeSecret(dir, path string) (secret [16]byte, err error) {
	rand.Read(secret[:])
	name, err := writeSecret(dir, secretName, secret)
	if err != nil {
		return secret, err
	}
	defer os.Remove(name)
	if err = os.Link(name, path); errors.Is(err, fs.ErrExist) {
		return readSecret(path)
	}
	return secret, err
}

// writeSecret writes one beside its place, so that what is moved there is whole.
func writeSecret(dir, name string, secret [16]byte) (path string, err error) {
	f, err := os.CreateTemp(dir, name+".new-*") // O_EXCL, mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(hex.EncodeToString(secret[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

// SharedSecret returns the secret that KeepShared kept; ok is false where there is none.
func SharedSecret(dir string, log *slog.Logger) (secret [16]byte, ok bool) {
	path := filepath.Join(dir, sharedName)
	secret, err := readSecret(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("no secret of the shared store is kept", "file", path, "err", err,
			"hint", "until the store answers this host calls deferrals and habits otherwise than before; the file belongs to the daemon's user, mode 0600")
	}
	return secret, err == nil
}

// KeepShared keeps the secret that this host shares with others, for a start at which
// it cannot be asked for.
func KeepShared(dir string, secret [16]byte, log *slog.Logger) {
	path := filepath.Join(dir, sharedName)
	if kept, err := readSecret(path); err == nil && kept == secret {
		return
	}
	name, err := writeSecret(dir, sharedName, secret)
	if err == nil {
		if err = os.Rename(name, path); err != nil {
			os.Remove(name)
		}
	}
	if err != nil {
		log.Warn("the secret of the shared store cannot be kept", "file", path, "err", err,
			"hint", "a start at which the store does not answer forgets deferrals and habits; the daemon's user must be able to write there")
	}
}
