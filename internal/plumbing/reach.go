package plumbing

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// identity is whom a process of the MTA runs as. The zero value is root.
type identity struct {
	name   string
	uid    int
	gid    int
	groups []int
}

// lookupUser finds a user with the groups that initgroups(3) gives it.
func lookupUser(name string) (identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return identity{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return identity{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return identity{}, err
	}
	who := identity{name: name, uid: uid, gid: gid, groups: []int{gid}}
	ids, _ := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			who.groups = append(who.groups, n)
		}
	}
	return who, nil
}

// may reports whether who has the bits (r 4, w 2, x 1) on a file.
func (who identity) may(info fs.FileInfo, bits fs.FileMode) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case who.uid == 0 || !ok:
		return true
	case int(st.Uid) == who.uid:
		mode >>= 6
	case slices.Contains(who.groups, int(st.Gid)):
		mode >>= 3
	}
	return mode&bits == bits
}

// barrier is what keeps a process from a socket.
type barrier struct {
	path string // the folder or socket
	info fs.FileInfo
	err  error // it cannot be looked at: fs.ErrNotExist or fs.ErrPermission
}

// reach walks to a socket as who would, and returns what is in the way, or nil.
func reach(path string, who identity) *barrier {
	path = real(path)
	for _, dir := range above(path) {
		info, err := os.Stat(dir)
		switch {
		case err != nil:
			return &barrier{path: dir, err: err}
		case !who.may(info, 1):
			return &barrier{path: dir, info: info}
		}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return &barrier{path: path, err: err}
	case info.Mode()&fs.ModeSocket == 0:
		return &barrier{path: path, info: info, err: errNoSocket}
	case !who.may(info, 2): // connect(2) needs write permission (unix(7))
		return &barrier{path: path, info: info}
	}
	return nil
}

var errNoSocket = errors.New("is no socket")

// above are the folders of an absolute path, the root first.
func above(path string) (all []string) {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		all = append(all, dir)
		if dir == "/" || dir == "." {
			slices.Reverse(all)
			return all
		}
	}
}

// access tells owner and mode for a reader.
func access(info fs.FileInfo) string {
	owner, group := "?", "?"
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner, group = fmt.Sprint(st.Uid), fmt.Sprint(st.Gid)
		if u, err := user.LookupId(owner); err == nil {
			owner = u.Username
		}
		if g, err := user.LookupGroupId(group); err == nil {
			group = g.Name
		}
	}
	return fmt.Sprintf("%s:%s %v", owner, group, info.Mode())
}

// runs reports whether the process is there and is the program. Where the system has no
// /proc of Linux' form, as FreeBSD, it only says whether some process has that number.
func (o *Options) runs(pid, program string) bool {
	if _, err := os.Stat("/proc/self/comm"); err == nil {
		return strings.HasPrefix(o.file("/proc/"+pid+"/comm"), program)
	}
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 1 {
		return false
	}
	err = unix.Kill(n, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// hasACL reports whether more than mode bits decide on a file (acl(5)).
func hasACL(path string) bool {
	n, err := unix.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}

// quote makes a path one word of a shell.
func quote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
