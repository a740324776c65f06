//go:build !linux

package disk

// release does nothing: mapped pages stay until the kernel wants them.
func (s *Store) release() {}
