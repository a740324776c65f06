package disk

import (
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// release gives back the mapped pages of the file, which count as the process's
// memory and would all be there in the end. They are in the kernel's cache, and come
// again when they are asked for. Nothing else reads the file meanwhile.
func (s *Store) release() {
	if s.db == nil {
		return
	}
	contain(func() error {
		return s.db.View(func(tx *bolt.Tx) error { // the mapping stays, and holds tx.Size() bytes at least
			_, _, errno := syscall.Syscall(syscall.SYS_MADVISE, s.db.Info().Data, uintptr(tx.Size()), syscall.MADV_DONTNEED)
			if errno != 0 {
				return errno
			}
			return nil
		})
	})
}
