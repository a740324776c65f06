package sink

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func TestSinkKeepsMessagesAsDelivered(t *testing.T) {
	s, err := Listen(Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	body := "Subject: a\r\n\r\n.dot\r\n" + strings.Repeat("x", 5000) + "\r\n"
	to := []string{"a@example.test", "b@example.test"}
	if err := send(s.Port(), "from@example.org", to, body); err != nil {
		t.Fatal(err)
	}
	got := s.Wait(1, time.Second)
	if len(got) != 1 || string(got[0].Data) != body || len(got[0].To) != 2 || got[0].From != "from@example.org" {
		t.Errorf("stored %+v", got)
	}
	s.Reset()
	if n := len(s.Wait(1, 10*time.Millisecond)); n != 0 {
		t.Errorf("%d messages after Reset", n)
	}
	s.Refuse(true)
	if err := send(s.Port(), "from@example.org", to, body); err == nil {
		t.Error("taken, and not refused")
	}
	s.Refuse(false)
	if err := send(s.Port(), "from@example.org", to, body); err != nil {
		t.Error(err)
	}
}

func send(port int, from string, to []string, body string) error {
	c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer c.Close()
	return c.SendMail(from, to, strings.NewReader(body))
}
