// Package device is the knowledge about names and greetings of hosts: what a PTR
// or HELO name says about the line it stands on and the machine behind it. It is
// pure: no network, no clock, no logger; tables come in as Go data or bytes.
package device
