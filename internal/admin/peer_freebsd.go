package admin

import "golang.org/x/sys/unix"

// solLocal is SOL_LOCAL of FreeBSD's <sys/un.h>.
const solLocal = 0

// peerUID is LOCAL_PEERCRED of FreeBSD's unix(4).
func peerUID(fd int) (int, error) {
	cred, err := unix.GetsockoptXucred(fd, solLocal, unix.LOCAL_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
