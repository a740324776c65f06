//go:build integration

package integration

import (
	"bytes"

	"github.com/emersion/go-smtp"

	"github.com/iot-milter/iot-milter/integration/sink"
)

// reinject is the second half of a content filter in the manner of amavis: it
// puts its own Received on top and gives the message back to the MTA's second
// listener, from loopback.
func (m *mta) reinject(msg sink.Message) error {
	c, err := smtp.Dial("127.0.0.1:" + m.state["reinject_port"])
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello("filter.example.test"); err != nil {
		return err
	}
	received := "Received: from mx.example.test by filter.example.test with ESMTP; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
	return c.SendMail(msg.From, msg.To, bytes.NewReader(append([]byte(received), msg.Data...)))
}
