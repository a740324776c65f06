package mtascript

import "fmt"

// Commands from the MTA to the filter (SMFIC_* of libmilter/mfdef.h).
const (
	CmdAbort   byte = 'A'
	CmdBody    byte = 'B'
	CmdConnect byte = 'C'
	CmdMacro   byte = 'D'
	CmdEOM     byte = 'E'
	CmdHelo    byte = 'H'
	CmdQuitNC  byte = 'K'
	CmdHeader  byte = 'L'
	CmdMail    byte = 'M'
	CmdEOH     byte = 'N'
	CmdOptNeg  byte = 'O'
	CmdQuit    byte = 'Q'
	CmdRcpt    byte = 'R'
	CmdData    byte = 'T'
	CmdUnknown byte = 'U'
)

// Replies from the filter to the MTA (SMFIR_* of libmilter/mfdef.h).
const (
	ReplyAddRcpt    byte = '+'
	ReplyDelRcpt    byte = '-'
	ReplyAddRcptPar byte = '2'
	ReplyShutdown   byte = '4'
	ReplyAccept     byte = 'a'
	ReplyBody       byte = 'b'
	ReplyContinue   byte = 'c'
	ReplyDiscard    byte = 'd'
	ReplyChgFrom    byte = 'e'
	ReplyConnFail   byte = 'f'
	ReplyAddHeader  byte = 'h'
	ReplyInsHeader  byte = 'i'
	ReplyChgHeader  byte = 'm'
	ReplyProgress   byte = 'p'
	ReplyQuarantine byte = 'q'
	ReplyReject     byte = 'r'
	ReplySkip       byte = 's'
	ReplyTempFail   byte = 't'
	ReplyCode       byte = 'y'
)

// Actions a filter may take (SMFIF_* of libmilter/mfapi.h).
const (
	ActAddHeaders uint32 = 1 << iota
	ActChgBody
	ActAddRcpt
	ActDelRcpt
	ActChgHeaders
	ActQuarantine
	ActChgFrom
	ActAddRcptPar
	ActSetSymList
)

// Protocol bits (SMFIP_* of libmilter/mfdef.h): the No bits suppress an event,
// the NR bits the reply to it.
const (
	ProtoNoConnect uint32 = 1 << iota
	ProtoNoHelo
	ProtoNoMail
	ProtoNoRcpt
	ProtoNoBody
	ProtoNoHeaders
	ProtoNoEOH
	ProtoNRHeader
	ProtoNoUnknown
	ProtoNoData
	ProtoSkip
	ProtoRcptRej
	ProtoNRConnect
	ProtoNRHelo
	ProtoNRMail
	ProtoNRRcpt
	ProtoNRData
	ProtoNRUnknown
	ProtoNREOH
	ProtoNRBody
	ProtoHeaderLeadSpace
)

// All actions and protocol bits of version 6 (SMFI_CURR_ACTS, SMFI_CURR_PROT).
const (
	AllActions  uint32 = 0x1FF
	AllProtocol uint32 = 0x1FFFFF
)

// Address families of a CONNECT frame (SMFIA_*).
const (
	FamilyUnknown byte = 'U'
	FamilyUnix    byte = 'L'
	FamilyInet    byte = '4'
	FamilyInet6   byte = '6'
)

// Sizes in bytes.
const (
	// MaxFrame is the largest frame, code included, that Recv and ReadFrame
	// take. libmilter/mfdef.h allows 64 KiB by default and 1 MiB at most.
	MaxFrame = 1 << 20
	// BodyChunk is the largest body chunk (MILTER_CHUNK_SIZE).
	BodyChunk = 65535
)

type eventBits struct{ suppress, noReply uint32 }

// events lists the commands that are events: all but EOM may be suppressed or
// sent without a reply. Commands not in it never get a reply.
var events = map[byte]eventBits{
	CmdConnect: {ProtoNoConnect, ProtoNRConnect},
	CmdHelo:    {ProtoNoHelo, ProtoNRHelo},
	CmdMail:    {ProtoNoMail, ProtoNRMail},
	CmdRcpt:    {ProtoNoRcpt, ProtoNRRcpt},
	CmdData:    {ProtoNoData, ProtoNRData},
	CmdHeader:  {ProtoNoHeaders, ProtoNRHeader},
	CmdEOH:     {ProtoNoEOH, ProtoNREOH},
	CmdBody:    {ProtoNoBody, ProtoNRBody},
	CmdUnknown: {ProtoNoUnknown, ProtoNRUnknown},
	CmdEOM:     {},
}

var stageNames = map[byte]string{
	CmdAbort: "abort", CmdBody: "body", CmdConnect: "connect", CmdMacro: "macro",
	CmdEOM: "eom", CmdHelo: "helo", CmdQuitNC: "quit-nc", CmdHeader: "header",
	CmdMail: "mail", CmdEOH: "eoh", CmdOptNeg: "optneg", CmdQuit: "quit",
	CmdRcpt: "rcpt", CmdData: "data", CmdUnknown: "unknown",
}

// StageName is the word for a command code, such as "helo" for CmdHelo; a code
// that is no command is shown as a quoted character.
func StageName(code byte) string {
	if name, ok := stageNames[code]; ok {
		return name
	}
	return fmt.Sprintf("%q", code)
}
