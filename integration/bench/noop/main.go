// Command noop is a milter that does nothing but add one header at end of message: what a
// filter in Go costs before it thinks.
//
//	noop [-edge] SOCKET
//
// It is the plain go-milter library, or with -edge this project's protocol edge around it, and
// agrees with the MTA on what iot-milter agrees on as it comes: the same events, the same of
// them without an answer, the same macros. The plain library agrees on that without a look at
// the MTA's offer (quirk 6 of package milter), so the MTA must offer all of it: Postfix from
// 2.6 and Sendmail from 8.14 on do. It must not be sent header frames that are not of two
// strings (quirk 13).
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	gomilter "github.com/emersion/go-milter"

	"github.com/iot-milter/iot-milter/milter"
)

func main() {
	edge := flag.Bool("edge", false, "put the protocol edge of iot-milter around the library")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: noop [-edge] SOCKET")
		os.Exit(2)
	}
	l, err := listen(flag.Arg(0))
	if err == nil {
		err = serve(l, *edge)
	}
	fmt.Fprintln(os.Stderr, "noop:", err)
	os.Exit(1)
}

func listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	// The MTA runs under another user than this filter.
	return l, os.Chmod(path, 0o666)
}

// serve serves until the listener is closed; the error is never nil.
func serve(l net.Listener, edge bool) error {
	if edge {
		return milter.New(options()).Serve(l)
	}
	library := gomilter.Server{
		NewMilter: func() gomilter.Milter { return plain{} },
		Actions:   gomilter.OptAddHeader | gomilter.OptSetSymList,
		Protocol: gomilter.OptNoUnknown | gomilter.OptNoData | gomilter.OptNoHeloReply | gomilter.OptNoMailReply |
			gomilter.OptNoHeaderReply | gomilter.OptNoEOHReply | gomilter.OptNoBody,
		SymList: map[gomilter.Stage][]string{gomilter.StageConnect: milter.ConnectMacros()},
	}
	return library.Serve(l)
}

// options are those of a daemon as it comes, without all that it does beside.
func options() milter.Options {
	var last atomic.Uint64
	return milter.Options{
		Decider: nothing{},
		Log:     slog.New(slog.DiscardHandler),
		Meter:   nothing{},
		Limits:  milter.Limits{Sessions: 4000, Idle: 2 * time.Hour, Frame: 30 * time.Second, Grace: time.Second},
		Now:     time.Now,
		NewID:   func() string { return strconv.FormatUint(last.Add(1), 36) },
	}
}
