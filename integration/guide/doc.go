// Package guide does what docs/first-ten-minutes.md tells an admin to do, and has other programs read what the other
// documents show for them. It needs root and Postfix as integration does, and is built only with the tag integration:
//
//	go test -count=1 -tags integration ./integration/guide/
//
// # The walk
//
// TestFirstTenMinutes takes the page's blocks from the top. A block of sh is run by bash as it stands; a block of text
// is what the last one printed, in which "…" stands for anything in a line, and for any lines where it is a line by
// itself; a block of toml is written into /etc/iot-milter/iot-milter.toml, each key in the place of the one that is
// there; a block of cf goes into main.cf. What happens between the commands, such as mail that comes, and what must
// have become of it, is in steps, by the page's sections.
//
// It runs in namespaces of its own, with /etc, /usr and /var covered by file systems in memory: the commands and paths
// are the page's, and the machine sees nothing. Postfix is Debian's, configured as Debian does, its smtpd in the
// chroot. Clients are told by XCLIENT. testdata/bin has what cannot be had there: sudo and systemctl, which do what
// they are asked with the daemon that the test started, and apt, which lays the files of the package: real packages
// under a real systemd are packaging/acceptance's.
package guide
