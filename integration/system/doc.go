// Package system tests what belongs to the system around the daemon by the programs that
// read it: OpenRC's script by OpenRC, the AppArmor profile by its parser, the SELinux policy
// by its compiler. They come unpacked from their packages (.ci/setup test), so that the
// machine is left as it is. The tests have the tag integration.
package system
