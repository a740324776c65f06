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

// secretName is the file of the installation's secret, in the directory.
const secretName = "secret"

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

// makeSecret writes a new one beside its place and links it there, so that the file
// is whole or not there. Of two daemons that do so at once the first wins.
func makeSecret(dir, path string) (secret [16]byte, err error) {
	rand.Read(secret[:])
	f, err := os.CreateTemp(dir, secretName+".new-*") // O_EXCL, mode 0600
	if err != nil {
		return secret, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(secret[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return secret, err
	}
	if err = os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return readSecret(path)
	}
	return secret, err
}
