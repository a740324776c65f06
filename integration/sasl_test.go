//go:build integration

package integration

import (
	"encoding/binary"
	"io"
	"net"
	"os"
)

// Both MTAs ask a saslauthd about AUTH PLAIN: of all ways of Cyrus SASL it is
// the one that needs no database. This one knows a single user.
const (
	saslUser     = "alice"
	saslPassword = "wonderland"
	saslSocket   = "/srv/saslauthd"
)

func serveSASL() error {
	l, err := net.Listen("unix", saslSocket)
	if err != nil {
		return err
	}
	if err := os.Chmod(saslSocket, 0o666); err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answerSASL(c)
		}
	}()
	return nil
}

// answerSASL reads user, password, service and realm, each with its length in
// two octets before it, and answers in the same form.
func answerSASL(c net.Conn) {
	defer c.Close()
	var words [4]string
	for i := range words {
		var n uint16
		if binary.Read(c, binary.BigEndian, &n) != nil {
			return
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		words[i] = string(b)
	}
	answer := "NO"
	if words[0] == saslUser && words[1] == saslPassword {
		answer = "OK"
	}
	_, _ = c.Write(append([]byte{0, byte(len(answer))}, answer...))
}
