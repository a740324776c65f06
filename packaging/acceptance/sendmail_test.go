//go:build acceptance

package acceptance

import (
	"testing"
	"time"
)

// sendmail is Debian's, told to listen to others than the machine itself.
func (m *machine) sendmail() {
	m.t.Helper()
	m.install("sendmail")
	m.user()
	m.sh(`sed -i 's/, Addr=127.0.0.1//' /etc/mail/sendmail.mc`)
	m.sh("make -C /etc/mail && systemctl restart sendmail")
}

// TestSendmail is the same road with Sendmail.
func TestSendmail(t *testing.T) {
	t.Parallel()
	m := boot(t, "debian")
	m.sendmail()
	begin := time.Now()
	m.install(m.pkg.deb)
	m.sound()
	m.follow("sendmail")
	m.sh("make -C /etc/mail && systemctl restart sendmail")
	m.eventually(20*time.Second, "iot-milter mta-config sendmail --verify")
	m.verified("sendmail")
	m.marked(nas, "first", "Yes, class=device device=nas .*host=mx.example.org")
	t.Logf("from apt-get install to the header in the mailbox: %.1f s", time.Since(begin).Seconds())
	m.judges("then")
	m.sound()

	m.sh("systemctl stop 'iot-milter*.socket' iot-milter.service")
	m.marked(nas, "stopped", "")
	m.sh("systemctl start 'iot-milter.socket' iot-milter.service")
	m.marked(nas, "started", "Yes, class=device")
	m.sh("apt-get -y purge iot-milter")
	m.marked(nas, "purged", "")
}
