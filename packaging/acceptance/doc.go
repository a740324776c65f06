// Package acceptance proves that the packages do what their users are told: on a fresh Debian 12
// with real systemd, beside Debian's own Postfix and Sendmail, from apt-get install to the header in
// a mailbox, and in each trouble that an installation may meet. It tests nothing that
// the integration tests can; it is built only with the tag acceptance, and needs root:
//
//	make acceptance
//	make acceptance ACCEPTANCEFLAGS="-run 'TestPostfix$' -v"
//
// Nothing is skipped: what is missing fails. The packages are those of make packages, and a version to upgrade from.
//
// # Where it runs
//
// roots.sh makes two file systems with debootstrap and keeps them for a week: debian is what the
// installer leaves, bare has no systemd. What the tests install lies in apt's archives there, so that the tests
// need no network, and have none. boot copies a root (an overlay in memory), starts systemd-nspawn in
// it and waits until systemd is ready, which takes a second. All of it happens in
// namespaces of the test: with its end the kernel ends each machine and takes away each mount.
//
// A machine has 192.0.2.25 as its address, on which its MTA hears clients from 198.51.100.0/24 and
// 203.0.113.0/24: real TCP connections from those addresses, which are local to the machine. A name server
// at 127.0.0.1 knows the clients of network_test.go and answers all else with "no such name". The MTA is configured as
// Debian's package leaves it; anna reads her mail in /var/mail/anna.
//
// # How to write a case
//
// A case is a test that reads like the notes of an admin:
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		m := boot(t, "postfix")
//		m.install(m.pkg.deb)
//		m.joined()
//		m.judges("afterwards")
//		m.sound()
//	}
//
// The words:
//
//	boot(t, ROOT)              a machine; it ends with the test, and tells its journal if that fails
//	                           (debian; postfix, which is debian after m.postfix(); bare)
//	m.postfix() m.sendmail()   installs the MTA, and makes anna's account
//	m.down() m.up()            switches it off and on
//	m.install(WHAT)            apt-get install, of a name or of m.pkg.deb, m.pkg.old
//	m.sh(SCRIPT)               as root in the machine; must succeed. try: need not; eventually: in time
//	m.prints(WANT, SCRIPT)     compares what it prints
//	m.follow(MTA)              does what iot-milter mta-config prints, line by line
//	m.joined()                 follow for Postfix, reload, and mta-config --verify must find nothing
//	m.configure("[t]\nk = v")  sets a key of iot-milter.toml
//	m.marked(CLIENT, S, RE)    sends a mail with subject S and a forged field of ours; the stored mail must have
//	                           one field, like RE. RE "" is a mail that passed as it was sent
//	m.judges(S)                marked for one client of each flag: No, Suspect, Yes
//	m.load() … l.judged(ALL)   mail all the time; none may be refused, lost or doubled
//	l.open()                   Postfix always found the milter's socket open
//	m.running(VERSION)         the process is the installed program, in that version
//	m.healthy()                systemd and dpkg are content
//	m.sound()                  and nothing has complained in the daemon's journal
//	m.files() and changed()    what lies on the disk, and what has changed there
//
// A package that is to be installed in a case is named in roots.sh (keep), which makes the roots anew. A check
// must be able to fail: break the thing once and see it.
package acceptance
