package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/iot-milter/iot-milter/conf"
)

// listen opens every socket of the configuration, or none, and takes all that were
// handed over: to MTAs they are open, so one that nobody serves would be waited for. What
// is named and was handed over is not opened again.
func listen(c *conf.Config) (all []net.Listener, err error) {
	handed, err := activation.ListenersWithNames() // once: it empties the environment
	if err != nil {
		return nil, err
	}
	opened := map[string]bool{}
	for _, ls := range handed {
		for _, l := range ls {
			if l != nil { // nil is no stream socket
				all = append(all, l)
				opened[l.Addr().String()] = true
			}
		}
	}
	defer func() {
		if err != nil {
			closeAll(all)
		}
	}()
	for _, where := range c.Listen {
		if where.Network == "unix" && opened[filepath.Clean(where.Address)] {
			continue
		}
		some, err := listenOne(where, c, handed)
		if err != nil {
			return all, fmt.Errorf("listen %s: %w", where, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

func closeAll(ls []net.Listener) {
	for _, l := range ls {
		if l != nil {
			l.Close()
		}
	}
}

func listenOne(where conf.Listen, c *conf.Config, handed map[string][]net.Listener) ([]net.Listener, error) {
	var l net.Listener
	var err error
	switch where.Network {
	case "fd":
		return nil, require(handed, where.Address)
	case "unix":
		l, err = listenUnix(where.Address, c.SocketMode, c.SocketGroup)
	default:
		l, err = net.Listen(where.Network, where.Address)
	}
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

// require is an error where systemd handed over no socket (sd_listen_fds(3)), or none of a
// FileDescriptorName.
func require(handed map[string][]net.Listener, name string) error {
	for n, ls := range handed {
		if (name == "systemd" || n == name) && slices.ContainsFunc(ls, func(l net.Listener) bool { return l != nil }) {
			return nil
		}
	}
	return errors.New("no such socket was handed over; hint: start it by its systemd socket unit, or listen on unix:/run/iot-milter/iot-milter.sock")
}

// listenUnix makes a socket with the mode and group. The socket of a dead process
// is replaced; that of a living one is an error.
func listenUnix(path string, mode os.FileMode, group string) (_ net.Listener, err error) {
	lock, err := lockSocket(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket must not be open to more than mode for even a moment.
	old := syscall.Umask(0o777)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, err
	}
	if err := share(path, mode, group); err != nil {
		l.Close()
		return nil, err
	}
	return &lockedListener{l, lock}, nil
}

// lockedListener holds the lock on its path while it lives.
type lockedListener struct {
	net.Listener
	lock *os.File
}

// Close removes the socket, then lets the lock go.
func (l *lockedListener) Close() error {
	defer l.lock.Close()
	return l.Listener.Close()
}

// lockSocket keeps two daemons that start at once from both finding a stale
// socket, and the slower one from removing the other's. The lock ends with the
// process; its empty file stays.
func lockSocket(path string) (*os.File, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; hint: make the folder, owned by the daemon's user", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w; hint: the daemon's user must be able to write to the folder", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLiving
		}
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	return lock, nil
}

var errLiving = errors.New("a living process listens there; hint: stop it first, or name another path")

func share(path string, mode os.FileMode, group string) error {
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return fmt.Errorf("socket_group: %w", err)
		}
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("socket_group: %w", err)
		}
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("%w; hint: the daemon's user must be a member of group %s, or let a systemd socket unit make the socket", err, group)
		}
	}
	return os.Chmod(path, mode)
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("%s is there and is no socket; hint: name another path, or remove it", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return errLiving
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w; hint: a process of another user may listen there; stop it, remove the socket, or name another path", err)
	}
	return os.Remove(path)
}
