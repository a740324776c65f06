//go:build !linux && !freebsd

package admin

import "errors"

// peerUID is not known here: who may change things is then whoever may open the socket,
// and nobody where a group is named for it.
func peerUID(int) (int, error) { return -1, errors.ErrUnsupported }
