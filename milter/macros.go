package milter

import (
	"bytes"

	gomilter "github.com/emersion/go-milter"
)

// macro is a macro that we read; all others are dropped unread.
type macro uint8

const (
	macroJ macro = iota
	macroDaemonName
	macroDaemonAddr
	macroDaemonPort
	macroIfAddr
	macroIfPort
	macroClientPort
	macroClientPtr
	macroClientName
	macroClientResolve
	macroVersion
	macroTrace // "_": the MTA's own wording of who connected
	macroTLSVersion
	macroCipher
	macroAuthUser
	macroAuthType
	macroQueueID
	numMacros
)

const (
	firstGreetingMacro = macroTLSVersion
	firstMessageMacro  = macroAuthUser

	maxMacro = 255 // bytes kept of a macro's value
)

// macroStore keeps macros by name. Each lives as long as its scope: the
// connection, the greeting, or the message. The library's store forgets all at
// each frame (quirk 3).
type macroStore struct{ values [numMacros]string }

func (m *macroStore) get(name macro) string { return m.values[name] }

// set reads the payload of a macro frame sent ahead of the command at: pairs of
// NUL-terminated name and value. A new greeting forgets the TLS facts of the last
// one (STARTTLS), a new MAIL the facts of the last message.
func (m *macroStore) set(at gomilter.Code, payload []byte) {
	switch at {
	case gomilter.CodeConn:
		m.forget(0)
	case gomilter.CodeHelo:
		clear(m.values[firstGreetingMacro:firstMessageMacro])
	case gomilter.CodeMail:
		m.forget(firstMessageMacro)
	}
	for len(payload) > 0 {
		var name, value []byte
		name, payload = cut(payload)
		value, payload = cut(payload)
		id, ok := macroNamed(name)
		if !ok {
			continue
		}
		value = value[:min(len(value), maxMacro)]
		if m.values[id] != string(value) { // no allocation for Postfix's repetitions
			m.values[id] = string(value)
		}
	}
}

// forget drops the macros of the scope that begins with from, and of those within.
func (m *macroStore) forget(from macro) { clear(m.values[from:]) }

// macroNamed knows a macro by its name: one letter bare, longer ones in braces.
func macroNamed(name []byte) (macro, bool) {
	name = bytes.TrimSuffix(bytes.TrimPrefix(name, []byte("{")), []byte("}"))
	switch string(name) {
	case "j":
		return macroJ, true
	case "daemon_name":
		return macroDaemonName, true
	case "daemon_addr":
		return macroDaemonAddr, true
	case "daemon_port":
		return macroDaemonPort, true
	case "if_addr":
		return macroIfAddr, true
	case "if_port":
		return macroIfPort, true
	case "client_port":
		return macroClientPort, true
	case "client_ptr":
		return macroClientPtr, true
	case "client_name":
		return macroClientName, true
	case "client_resolve":
		return macroClientResolve, true
	case "v":
		return macroVersion, true
	case "_":
		return macroTrace, true
	case "tls_version":
		return macroTLSVersion, true
	case "cipher":
		return macroCipher, true
	case "auth_authen":
		return macroAuthUser, true
	case "auth_type":
		return macroAuthType, true
	case "i":
		return macroQueueID, true
	}
	return 0, false
}
