package conf

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/iot-milter/iot-milter/policy"
	"github.com/iot-milter/iot-milter/policy/device"
)

const day = 24 * time.Hour

// Default returns the configuration that holds without a file. Each call
// returns a value of its own, which the caller may change.
func Default() Config {
	return Config{
		Listen:     []Listen{{Network: "unix", Address: "/run/iot-milter/iot-milter.sock"}},
		SocketMode: 0o660,
		Mode:       policy.ModeTag,
		EnforceAt:  policy.StageRcpt,
		StateDir:   "/var/lib/iot-milter",
		Admin: Admin{
			Listen:  "127.0.0.1:8894",
			Control: "/run/iot-milter/control.sock",
			Hosts:   []string{"localhost", "127.0.0.1", "[::1]"},
		},
		Exempt: Exempt{
			Authenticated: true,
			Networks: prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
				"169.254.0.0/16", "100.64.0.0/10", "fc00::/7", "fe80::/10"),
			Relays:     prefixes("127.0.0.0/8", "::1/128"),
			Daemons:    []string{"ORIGINATING", "MSA", "TLSMSA"},
			Ports:      []uint16{465, 587},
			Recipients: []string{"postmaster", "abuse"},
		},
		Prior: Prior{Mailserver: 0.60, Hosting: 0.05, Business: 0.05, Access: 0.25, Device: 0.05},
		Class: Class{
			Device: ClassRule{Confidence: 0.90, Action: policy.ActionReject},
			Access: ClassRule{Confidence: 0.95, Action: policy.ActionLimit},
		},
		Device: map[device.Kind]Override{device.Printer: {Action: policy.ActionTag}},
		Limit: []Limit{{
			Name:  "suspects-by-network",
			Class: []policy.Class{policy.ClassAccess, policy.ClassDevice},
			Key:   []LimitKey{KeyPrefix},
			Count: "messages",
			Rate:  Rate{Count: 20, Per: time.Hour},
			Burst: 5,
		}},
		Campaign: Campaign{Window: 10 * time.Minute, Hosts: 25, Hold: day, Action: policy.ActionDefer},
		Defer:    Defer{Delay: 5 * time.Minute, Keep: 35 * day},
		DNS:      DNS{Enabled: true, Timeout: time.Second},
		TCPInfo:  TCPInfo{Enabled: true},
		Probe:    Probe{Ports: []uint16{80, 443}},
		Store:    Store{Hosts: 200_000},
		Reply: Reply{
			Reject: "550 5.7.1 Mail from this kind of host is not accepted [id={id}] {contact}",
			Limit:  "451 4.7.1 Too much mail from this kind of host, try again later [id={id}] {contact}",
		},
		History: History{Days: 7, Size: 64 << 20},
		Ramp:    Ramp{Enforce: 100, Device: 100, Access: 100},
		Log:     Log{Format: "text", Level: slog.LevelInfo, Addresses: "full"},
		Limits: Limits{
			Sessions: 4000,
			Idle:     2 * time.Hour,
			Frame:    30 * time.Second,
			Stage:    5 * time.Second,
			Evidence: 2 * time.Second,
			Lookups:  1024,
			Memory:   288 << 20,
			Drain:    5 * time.Second,
		},
	}
}

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}
