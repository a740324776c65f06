// Command cmd runs the DNS server of package dnstest as a process of its own, for
// tests where client and server are in different network namespaces:
//
//	go run ./policy/evidence/resolve/dnstest/cmd -listen 192.0.2.53:53 zone.txt
//
// It prints "listening ADDRESS" when it is ready, then a line for each question,
// and reads the file again at SIGHUP.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/iot-milter/iot-milter/policy/evidence/resolve/dnstest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address and port")
	flag.Parse()
	if err := run(*listen, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "dnstest:", err)
		os.Exit(1)
	}
}

func run(listen string, files []string) error {
	server, err := dnstest.Start(listen)
	if err != nil {
		return err
	}
	defer server.Close()
	server.OnQuestion(func(q dnstest.Question) {
		way := "udp"
		if q.TCP {
			way = "tcp"
		}
		fmt.Println("question", q.Type, q.Name, "from", q.From, way)
	})
	if err := read(server, files); err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	fmt.Println("listening", server.Addr())
	for got := range signals {
		if got != syscall.SIGHUP {
			return nil
		}
		if err := read(server, files); err != nil {
			return err
		}
	}
	return nil
}

func read(server *dnstest.Server, files []string) error {
	server.Reset()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := server.Set(string(text)); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	return nil
}
