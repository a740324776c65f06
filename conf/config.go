package conf

import (
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

// Config is a whole configuration. The zero value is of no use: start from
// Default, Load or Parse. A Config that came from Load or Parse is valid. It is
// never changed afterwards and may be read concurrently.
//
// Times are time.Duration; in the file they are texts such as "5s", "1h30m" or
// "35d". Lists that are empty are nil.
type Config struct {
	// Listen are the sockets on which MTAs reach the milter, 1 to 16.
	Listen []Listen `toml:"listen"`
	// SocketMode is the permission of unix sockets, 0 to 0777, octal text.
	SocketMode os.FileMode `toml:"socket_mode" range:"0000..0777"`
	// SocketGroup is the group that owns unix sockets; "" leaves the daemon's.
	SocketGroup string `toml:"socket_group" form:"word"`
	// Mode is how far the daemon goes: observe, tag or enforce.
	Mode policy.Mode `toml:"mode"`
	// EnforceAt is the earliest stage that refuses: connect, helo, mail, rcpt or eom.
	EnforceAt policy.Stage `toml:"enforce_at" words:"connect helo mail rcpt eom"`
	// Hostname is the host= word in headers; "" is the MTA's own name (macro j).
	Hostname string `toml:"hostname" form:"hostname"`
	// OwnHosts are further host= words of the admin's own MX hosts.
	OwnHosts []string `toml:"own_hosts" form:"hostname"`
	// StateDir is the folder of caches, counters and history; an absolute path.
	StateDir string `toml:"state_dir" form:"dir"`
	// AuthenticationResults adds an RFC 8601 field with the iprev result.
	AuthenticationResults bool `toml:"authentication_results"`
	// AuthservID names the author of that field; "" is the MTA's own name (macro j).
	AuthservID string `toml:"authserv_id" form:"hostname"`

	// Admin is the page, the metrics and the control socket.
	Admin Admin `toml:"admin"`
	// Exempt says who is not judged.
	Exempt Exempt `toml:"exempt"`
	// Prior is how often each class connects to an MX.
	Prior Prior `toml:"prior"`
	// Class is what is done about the two suspicious classes.
	Class Class `toml:"class"`
	// Device overrides the action of class device for one kind of device.
	Device map[device.Kind]Override `toml:"device"`
	// Limit are the rate limits that the action limit counts in.
	Limit []Limit `toml:"limit"`
	// Campaign finds one template that comes from many hosts.
	Campaign Campaign `toml:"campaign"`
	// Defer is the action defer.
	Defer Defer `toml:"defer"`
	// DNS is the look-up of names and lists.
	DNS DNS `toml:"dns"`
	// DNSList are DNS block and allow lists; none by default.
	DNSList []DNSList `toml:"dnslist"`
	// TCPInfo reads the TCP stack of the connection from the kernel.
	TCPInfo TCPInfo `toml:"tcpinfo"`
	// P0f asks a p0f daemon about the client.
	P0f P0f `toml:"p0f"`
	// ASN finds the network of an address.
	ASN ASN `toml:"asn"`
	// Probe asks the client's own address what it is; off by default.
	Probe Probe `toml:"probe"`
	// Identify are further tables of devices.
	Identify Identify `toml:"identify"`
	// Store is where evidence and counters live.
	Store Store `toml:"store"`
	// Tables adds to what names are parsed by.
	Tables Tables `toml:"tables"`
	// Reply are the texts that clients see.
	Reply Reply `toml:"reply"`
	// History is the record of decisions.
	History History `toml:"history"`
	// Ramp enforces on a share of clients.
	Ramp Ramp `toml:"ramp"`
	// Log is the log's form.
	Log Log `toml:"log"`
	// Quarantine is the action quarantine.
	Quarantine Quarantine `toml:"quarantine"`
	// Limits are the bounds of the daemon itself.
	Limits Limits `toml:"limits"`
}

// Admin is the table [admin].
type Admin struct {
	// Listen is the TCP address of page and metrics, an address or localhost
	// with a port, 127.0.0.1:8894; "" switches it off.
	Listen string `toml:"listen" form:"hostport"`
	// Control is the path of the control socket, at most 107 bytes; "" is none.
	Control string `toml:"control" form:"socket"`
	// Password is a bcrypt or argon2id hash that opens the page for reading. While
	// it is "" TCP serves only /metrics, /healthy and /ready.
	Password string `toml:"password" form:"hash"`
	// ChangePassword is such a hash, too: who knows this password may also change
	// things there. While it is "" nobody may over TCP. It needs Password.
	ChangePassword string `toml:"change_password" form:"hash"`
	// ChangeGroup is the group whose members may change things over the control
	// socket, beside root and the daemon's user; "" is whoever may open it.
	ChangeGroup string `toml:"change_group" form:"word"`
	// Hosts are the Host headers that are answered, without the port; others get 421.
	Hosts []string `toml:"hosts" form:"host"`
}

// Exempt is the table [exempt].
type Exempt struct {
	// Authenticated exempts sessions that logged in (SMTP AUTH).
	Authenticated bool `toml:"authenticated"`
	// Networks are client networks that are not judged.
	Networks []netip.Prefix `toml:"networks"`
	// Relays are clients whose headers of our name are kept when own_hosts has their host=.
	Relays []netip.Prefix `toml:"relays"`
	// Daemons are values of the MTA's macro {daemon_name} that mean submission.
	Daemons []string `toml:"daemons" form:"name"`
	// Ports are server ports that mean submission, 1 to 65535.
	Ports []uint16 `toml:"ports" range:"1..65535"`
	// PTR are confirmed names that are not judged, with their subdomains.
	PTR []string `toml:"ptr" form:"domain"`
	// Recipients are local parts or whole addresses that are never refused.
	Recipients []string `toml:"recipients" form:"recipient"`
}

// Prior is the table [prior]: shares of connections to an MX, each above 0 and
// below 1, in sum 1 within 0.01.
type Prior struct {
	Mailserver float64 `toml:"mailserver" range:"(0..1)"` // mail servers
	Hosting    float64 `toml:"hosting" range:"(0..1)"`    // hosted and cloud machines
	Business   float64 `toml:"business" range:"(0..1)"`   // business lines
	Access     float64 `toml:"access" range:"(0..1)"`     // consumer lines
	Device     float64 `toml:"device" range:"(0..1)"`     // embedded devices
}

// Class holds the tables [class.device] and [class.access].
type Class struct {
	Device ClassRule `toml:"device"` // [class.device]
	Access ClassRule `toml:"access"` // [class.access]
}

// ClassRule is what is done about one class.
type ClassRule struct {
	// Confidence is the least probability that counts, 0.5 to 0.9999.
	Confidence float64 `toml:"confidence" range:"0.5..0.9999"`
	// Action is what is concluded; it is carried out in mode enforce only.
	Action policy.Action `toml:"action"`
}

// Override is one table [device.KIND].
type Override struct {
	// Action replaces that of [class.device] for this kind.
	Action policy.Action `toml:"action" need:"true"`
}

// Limit is one entry [[limit]].
type Limit struct {
	// Name stands in the log and in metrics: [A-Za-z0-9._-], unique.
	Name string `toml:"name" form:"label" need:"true"`
	// Class are the classes that it counts, at least one.
	Class []policy.Class `toml:"class"`
	// Key is what is counted by, at least one; several form one key together.
	Key []LimitKey `toml:"key" words:"address prefix asn class device ptr-template helo from-domain rcpt-domain campaign"`
	// Count is what is counted: messages or recipients.
	Count string `toml:"count" words:"messages recipients"`
	// Rate is how many of them in which time, 1 to 1,000,000 in 1 s to 30 d.
	Rate Rate `toml:"rate" need:"true"`
	// Burst is how many may come at once, 1 to 100,000.
	Burst int `toml:"burst" range:"1..100000"`
	// RefuseAfter is how many tries of one message within a day are put off before it is
	// refused, if its own client may be; 0 is all of them.
	RefuseAfter int `toml:"refuse_after" range:"0..1000"`
}

// LimitKey is one part of what a limit counts by.
type LimitKey string

// The keys of limits. Only KeyAddress is the client's own: others can fill the
// buckets of the rest.
const (
	KeyAddress     LimitKey = "address"      // the address
	KeyPrefix      LimitKey = "prefix"       // its network, /24 or /64
	KeyASN         LimitKey = "asn"          // its autonomous system
	KeyClass       LimitKey = "class"        // its class
	KeyDevice      LimitKey = "device"       // its kind of device
	KeyPTRTemplate LimitKey = "ptr-template" // the PTR name with its numbers masked
	KeyHelo        LimitKey = "helo"         // the HELO name
	KeyFromDomain  LimitKey = "from-domain"  // the sender's domain
	KeyRcptDomain  LimitKey = "rcpt-domain"  // the recipient's domain
	KeyCampaign    LimitKey = "campaign"     // the template of the message
)

// Campaign is the table [campaign].
type Campaign struct {
	// Window is the time in which hosts are counted, 1 m to 24 h.
	Window time.Duration `toml:"window" range:"1m..24h"`
	// Hosts is how many distinct networks make a campaign, 3 to 100,000.
	Hosts int `toml:"hosts" range:"3..100000"`
	// Hold is how long a campaign stays one after its last message, 1 m to 30 d.
	Hold time.Duration `toml:"hold" range:"1m..30d"`
	// Action is what is concluded about its messages from suspicious clients.
	Action policy.Action `toml:"action"`
	// URLs has the beginning of suspicious clients' bodies read for where they link to.
	URLs bool `toml:"urls"`
}

// Defer is the table [defer].
type Defer struct {
	// Delay is how long a first attempt is put off, 1 s to 24 h.
	Delay time.Duration `toml:"delay" range:"1s..24h"`
	// Keep is how long a client that came back is remembered, 1 h to 400 d.
	Keep time.Duration `toml:"keep" range:"1h..400d"`
}

// DNS is the table [dns].
type DNS struct {
	// Enabled allows own look-ups.
	Enabled bool `toml:"enabled"`
	// Servers are resolvers, an address with or without a port (53); nil is the system's.
	Servers []netip.AddrPort `toml:"servers"`
	// Timeout is how long one try may take, 50 ms to 5 s.
	Timeout time.Duration `toml:"timeout" range:"50ms..5s"`
}

// DNSList is one entry [[dnslist]].
type DNSList struct {
	// Zone is the list's domain.
	Zone string `toml:"zone" form:"domain" need:"true"`
	// Codes are the answers that count, in 127.0.0.0/8, with ranges and *; nil is
	// every one but the error codes in 127.255.255.0/24.
	Codes []policy.Codes `toml:"codes"`
	// Weight is in decibans, above 0 to 5: a list without a measured rate
	// weighs no more (safety rule 2).
	Weight float64 `toml:"weight" range:"0.1..5" need:"true"`
	// Kind is what a listing says: access (a consumer line), proxy (a machine
	// that relays for others), abuse (a source of spam), allow (a mail server).
	Kind string `toml:"kind" words:"access proxy abuse allow" need:"true"`
}

// TCPInfo is the table [tcpinfo].
type TCPInfo struct {
	Enabled bool `toml:"enabled"` // whether the kernel is asked
}

// P0f is the table [p0f].
type P0f struct {
	Socket string `toml:"socket" form:"socket"` // path of p0f's API socket; "" is none
}

// ASN is the table [asn].
type ASN struct {
	// Database is the path of an MMDB file; "" is none. It is opened anew when it
	// is replaced.
	Database string `toml:"database" form:"path"`
	// Cymru asks Team Cymru over DNS about networks that the database lacks.
	Cymru bool `toml:"cymru"`
}

// Probe is the table [probe].
type Probe struct {
	// Enabled allows connections to suspicious clients' own addresses.
	Enabled bool `toml:"enabled"`
	// Source is the local address to connect from, of no MX and no outbound
	// mail; the zero Addr is none.
	Source netip.Addr `toml:"source"`
	// Contact is shown to who is probed: an address or a page.
	Contact string `toml:"contact" form:"ascii"`
	// Ports are what is looked at, of those that package probe knows.
	Ports []uint16 `toml:"ports" range:"1..65535"`
	// Never are networks that are not probed, beside those that never are.
	Never []netip.Prefix `toml:"never"`
}

// Identify is the table [identify].
type Identify struct {
	// Recog is a directory of XML files in Rapid7 Recog's format, with which
	// iot-milter identify reads greetings; "" is none.
	Recog string `toml:"recog" form:"path"`
	// OUI is a file in the form of IEEE's oui.txt; "" is the built-in table alone.
	OUI string `toml:"oui" form:"path"`

	// Makers are what Load found there, nil where OUI is "".
	Makers *device.Makers
}

// Store is the table [store].
type Store struct {
	// URL is a Redis or Valkey that several hosts share; "" is the embedded store.
	URL string `toml:"url" form:"store"`
	// Hosts is how many clients are remembered, 1,000 to 10,000,000.
	Hosts int `toml:"hosts" range:"1000..10000000"`
}

// Tables is the table [tables].
type Tables struct {
	// Dir is a folder with own rows in words.tsv, domains.tsv, suffixes.tsv,
	// hosts.tsv and networks.tsv; "" is none.
	Dir string `toml:"dir" form:"path"`

	// Rows are what Load found there.
	Rows device.Rows
	// Networks is the text of networks.tsv, which package asn reads.
	Networks []byte
}

// Reply is the table [reply]. The texts are printable ASCII of at most 980
// characters; {id} and {contact} are replaced.
type Reply struct {
	Reject  string `toml:"reject" form:"reply5"`   // for reject: 5xx 5.x.x and a text
	Limit   string `toml:"limit" form:"reply4"`    // for limit and defer: 451 4.x.x and a text
	Contact string `toml:"contact" form:"contact"` // what {contact} becomes, at most 200 characters
}

// History is the table [history].
type History struct {
	// Days is how long decisions are kept, 0 (none) to 3650 days.
	Days int `toml:"days" range:"0..3650"`
	// Size is how much disk they may take, 1 MiB to 1 TiB.
	Size Size `toml:"size" range:"1MiB..1TiB"`
}

// Ramp is the table [ramp].
type Ramp struct {
	// Enforce is the share of clients that mode enforce acts on, 0 % to 100 %.
	Enforce Percent `toml:"enforce" range:"0%..100%"`
	// Device and Access are the shares of clients flagged Yes and Suspect; the
	// smaller of theirs and Enforce holds.
	Device Percent `toml:"device" range:"0%..100%"`
	Access Percent `toml:"access" range:"0%..100%"`
}

// Log is the table [log].
type Log struct {
	Format    string     `toml:"format" words:"text json"`                // text is logfmt
	Level     slog.Level `toml:"level"`                                   // debug, info, warn or error
	Addresses string     `toml:"addresses" words:"full domain hash none"` // how much of mail addresses
	// Events is a file that gets each decision as a line of JSON, "" for none. The
	// system rotates it.
	Events string `toml:"events" form:"path"`
}

// Quarantine is the table [quarantine].
type Quarantine struct {
	Notify string `toml:"notify" form:"mail"` // who looks after quarantined mail, a mail address
}

// Limits is the table [limits].
type Limits struct {
	// Sessions is how many MTA connections are served at once, 1 to 100,000.
	Sessions int `toml:"sessions" range:"1..100000"`
	// Idle is how long an MTA may be silent between frames, 10 s to 24 h.
	Idle time.Duration `toml:"idle" range:"10s..24h"`
	// Frame bounds a frame once it has begun, and a write, 1 s to 10 m.
	Frame time.Duration `toml:"frame" range:"1s..10m"`
	// Stage bounds the daemon's own work in one callback, 100 ms to 5 s.
	Stage time.Duration `toml:"stage" range:"100ms..5s"`
	// Evidence bounds how long one callback waits for look-ups, 100 ms to 5 s.
	Evidence time.Duration `toml:"evidence" range:"100ms..5s"`
	// Lookups is how many look-ups may be under way at once, 1 to 100,000.
	Lookups int `toml:"lookups" range:"1..100000"`
	// Memory is what the daemon keeps below where it can, 64 MiB to 1 TiB: a soft
	// limit of the collector of garbage. A million hosts need 288 MiB.
	Memory Size `toml:"memory" range:"64MiB..1TiB"`
	// Drain is how long a stopping daemon waits for its sessions, 0 s to 5 m.
	Drain time.Duration `toml:"drain" range:"0s..5m"`
}
