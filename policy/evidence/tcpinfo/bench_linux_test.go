package tcpinfo

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

func BenchmarkStack(b *testing.B) {
	s := open(b, Options{})
	c := place{}.connect(b, listen(b, "tcp4", "127.0.0.1:0"), netip.Addr{})
	remote, local := c.remote(), c.local()
	b.Run("exact", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, err := s.Stack(remote, local); err != nil || !got.Known {
				b.Fatal(got, err)
			}
		}
	})
	b.Run("port learned", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, err := s.Stack(remote, netip.AddrPortFrom(local.Addr(), 0)); err != nil || !got.Known {
				b.Fatal(got, err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if got, err := s.Stack(remote, local); err != nil || !got.Known {
					b.Error(got, err)
				}
			}
		})
	})
	b.Run("dump", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if all, err := dump(s.dumper, remote); err != nil || len(all) != 1 {
				b.Fatal(all, err)
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		link, err := netlink.Dial(unix.NETLINK_INET_DIAG, &netlink.Config{MessageBufferSize: 4096})
		if err != nil {
			b.Fatal(err)
		}
		defer link.Close()
		var req [headerLen + requestLen]byte
		putRequest(req[:], 0, 0, unix.AF_INET, connected, remote, ourEnd(local))
		for b.Loop() {
			if err := link.SetDeadline(time.Now().Add(patience)); err != nil {
				b.Fatal(err)
			}
			if _, err := link.Execute(netlink.Message{
				Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Request}, Data: req[headerLen:],
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOwn(b *testing.B) {
	o := openOwn("/proc", time.Now())
	defer o.close()
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			o.refresh(time.Time{})
		}
	})
	b.Run("netstat", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cookiesReceived(o.content(o.netstat))
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := os.ReadFile("/proc/self/net/netstat"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func ourEnd(a netip.AddrPort) local { return local{addr: a.Addr(), port: a.Port()} }
