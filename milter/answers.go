package milter

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"
)

// Answers opens a session as an MTA does, in memory, and ends it: an error says that the
// server does not answer within that time. It takes no slot, so a crowd is no fault, and is
// neither counted nor logged. Where the server's own locks hang it hangs with them.
func (s *Server) Answers(within time.Duration) error {
	mta, conn := net.Pipe()
	defer mta.Close()
	mta.SetDeadline(time.Now().Add(within))
	if s.isStopping() {
		return nil
	}
	sess := s.newSession(conn)
	sess.own = true
	sess.serve(func() {})
	hello := []byte{0, 0, 0, offerLength - lengthPrefix, 'O'}
	for _, v := range []uint32{6, 0x1ff, 0x1fffff} {
		hello = binary.BigEndian.AppendUint32(hello, v)
	}
	if _, err := mta.Write(hello); err != nil {
		return fmt.Errorf("own session: %w", err)
	}
	answer := make([]byte, offerLength)
	if _, err := io.ReadFull(mta, answer); err != nil {
		return fmt.Errorf("own session: %w", err)
	}
	if _, err := parseOffer(answer); err != nil {
		return fmt.Errorf("own session: %w", err)
	}
	return nil
}
