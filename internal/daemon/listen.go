package daemon

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/iot-milter/iot-milter/conf"
)

// listen opens every socket of the configuration, or none.
func listen(c *conf.Config) (all []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range all {
				l.Close()
			}
		}
	}()
	for _, where := range c.Listen {
		some, err := listenOne(where, c)
		all = append(all, some...)
		if err != nil {
			return all, fmt.Errorf("listen %s: %w", where, err)
		}
	}
	return all, nil
}

func listenOne(where conf.Listen, c *conf.Config) ([]net.Listener, error) {
	switch where.Network {
	case "fd":
		return listenActivated(where.Address)
	case "unix":
		l, err := listenUnix(where.Address, c.SocketMode, c.SocketGroup)
		return one(l, err)
	}
	l, err := net.Listen(where.Network, where.Address)
	return one(l, err)
}

func one(l net.Listener, err error) ([]net.Listener, error) {
	if err != nil {
		return nil, err
	}
	return []net.Listener{l}, nil
}

// listenActivated takes the sockets that systemd opened (sd_listen_fds(3)): all of
// them, or those of a FileDescriptorName.
func listenActivated(name string) ([]net.Listener, error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, err
	}
	var found []net.Listener
	for n, ls := range named {
		for _, l := range ls {
			if l != nil && (name == "systemd" || n == name) {
				found = append(found, l)
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no such socket was handed over; hint: start it by its systemd socket unit, or listen on unix:/run/iot-milter/iot-milter.sock")
	}
	return found, nil
}

// listenUnix makes a socket with the mode and group. The socket of a dead process
// is replaced; that of a living one is an error.
func listenUnix(path string, mode os.FileMode, group string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The socket must not be open to more than mode for even a moment.
	old := syscall.Umask(0o777)
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; hint: make the folder, owned by the daemon's user", err)
	}
	if err != nil {
		return nil, err
	}
	if err := share(path, mode, group); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

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
		return errors.New("a living process listens there; hint: stop it first, or name another path")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}
