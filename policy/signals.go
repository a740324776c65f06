package policy

import "github.com/iot-milter/iot-milter/policy/device"

// Signals is every signal, in the order in which findings are listed.
var Signals = []Signal{
	{"ptr-none", GroupName, FamilyLine, StageRcpt, ptrNone},
	{"ptr-unconfirmed", GroupName, FamilyLine, StageRcpt, ptrUnconfirmed},
	{"ptr-unconfirmed-line", GroupName, FamilyLine, StageRcpt, ptrUnconfirmedLine},
	{"ptr-temperror", GroupName, FamilyLine, StageRcpt, ptrTempError},
	{"ptr-access", GroupName, FamilyLine, StageRcpt, ptrAccess},
	{"ptr-address", GroupName, FamilyLine, StageRcpt, ptrAddress},
	{"ptr-business", GroupName, FamilyLine, StageRcpt, ptrBusiness},
	{"ptr-hosting", GroupName, FamilyLine, StageRcpt, ptrHosting},
	{"ptr-server", GroupName, FamilyLine, StageRcpt, ptrServer},
	{"ptr-device", GroupName, FamilyLine, StageRcpt, ptrDevice},
	{"ptr-mac", GroupName, FamilyLine, StageRcpt, ptrMAC},

	{"ip-eui64", GroupNetwork, FamilyClient, StageRcpt, ipEUI64},

	{"helo-device", GroupGreeting, FamilyClient, StageRcpt, heloDevice},
	{"helo-address", GroupGreeting, FamilyClient, StageRcpt, heloAddress},
	{"helo-cpe", GroupGreeting, FamilyLine, StageRcpt, heloCPE},
	{"helo-single", GroupGreeting, FamilyClient, StageRcpt, heloShape(device.ShapeSingle)},
	{"helo-private", GroupGreeting, FamilyClient, StageRcpt, heloShape(device.ShapePrivate)},
	{"helo-localhost", GroupGreeting, FamilyClient, StageRcpt, heloShape(device.ShapeLocalhost)},
	{"helo-empty", GroupGreeting, FamilyClient, StageRcpt, heloShape(device.ShapeEmpty)},
	{"helo-broken", GroupGreeting, FamilyClient, StageRcpt, heloShape(device.ShapeBroken)},
	{"helo-own-name", GroupGreeting, FamilyClient, StageRcpt, heloOwnName},
	{"helo-ptr", GroupGreeting, FamilyClient, StageRcpt, heloPTR},
	{"helo-independent", GroupGreeting, FamilyClient, StageRcpt, heloIndependent},
	{"helo-bare", GroupGreeting, FamilyClient, StageRcpt, heloBare},
	{"helo-domain", GroupGreeting, FamilyClient, StageRcpt, heloDomain},
	{"helo-provider", GroupGreeting, FamilyLine, StageRcpt, heloProvider},
	{"helo-localdomain", GroupGreeting, FamilyClient, StageRcpt, heloLocaldomain},
	{"helo-unrelated", GroupGreeting, FamilyClient, StageRcpt, heloUnrelated},
	{"helo-recipient", GroupGreeting, FamilyClient, StageRcpt, heloRecipient},
	{"helo-changed", GroupGreeting, FamilyClient, StageRcpt, heloChanged},
	{"tls", GroupGreeting, FamilyClient, StageRcpt, tls},

	{"msg-direct", GroupMessage, FamilyClient, StageEOM, msgDirect},
	{"msg-no-date", GroupMessage, FamilyClient, StageEOM, msgNoDate},
	{"msg-no-id", GroupMessage, FamilyClient, StageEOM, msgNoID},
	{"msg-id-host", GroupMessage, FamilyClient, StageEOM, msgIDHost},
	{"msg-trace", GroupMessage, FamilyClient, StageEOM, msgTrace},
	{"msg-trace-helo", GroupMessage, FamilyClient, StageEOM, msgTraceHELO},
	{"msg-desktop", GroupMessage, FamilyClient, StageEOM, msgDesktop},
	{"msg-date-zone", GroupMessage, FamilyClient, StageEOM, msgDateZone},
	{"msg-date-epoch", GroupMessage, FamilyClient, StageEOM, msgDateEpoch},
	{"msg-mailer-device", GroupMessage, FamilyClient, StageEOM, msgMailerDevice},
	{"msg-busybox", GroupMessage, FamilyClient, StageEOM, msgBusybox},
}
