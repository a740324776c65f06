package plumbing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	dialTime  = 3 * time.Second
	maxAnswer = 4 << 10 // bytes of an answer to OPTNEG: ours has some 200
)

var errNotOurs = errors.New("another milter answers there")

// greet opens a milter session as an MTA does: it offers version 6 with all actions and
// wants an answer to that. marker is a macro that only iot-milter's answer asks for
// at connect among the milters that listen here.
func greet(network, address string, markers []string) error {
	conn, err := net.DialTimeout(network, address, dialTime)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(dialTime))
	offer := []byte{0, 0, 0, 13, 'O'}
	for _, v := range []uint32{6, 0x1ff, 0x1fffff} {
		offer = binary.BigEndian.AppendUint32(offer, v)
	}
	if _, err := conn.Write(offer); err != nil {
		return err
	}
	var length [4]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return fmt.Errorf("no answer to a milter's greeting: %w", err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n < 13 || n > maxAnswer {
		return errors.New("what listens there is no milter")
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return fmt.Errorf("half an answer to a milter's greeting: %w", err)
	}
	if answer[0] != 'O' {
		return errors.New("what listens there is no milter")
	}
	conn.Write([]byte{0, 0, 0, 1, 'Q'})
	for _, m := range markers {
		if !strings.Contains(string(answer[13:]), m) {
			return errNotOurs
		}
	}
	return nil
}
