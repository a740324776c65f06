package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"syscall"
)

// maxAnswer bounds what a Client reads: a full list of hosts takes some 4 MiB, one of
// decisions some 20.
const (
	maxAnswer   = 32 << 20
	maxFollowed = 1 << 20 // of a line that is followed
)

// Client asks a running daemon over its control socket. It is safe for concurrent
// use.
type Client struct {
	socket string
	http   http.Client
}

// NewClient returns a Client for the socket at the path.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

// Do asks, and reads the answer into answer. What the daemon answers no to is a
// *Refusal, but for a configuration that is wrong: that is an answer.
func (c *Client) Do(ctx context.Context, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTime+requestTime)
	defer cancel()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+controlHost+path, sent)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := c.http.Do(r)
	if err != nil {
		return c.explained(err)
	}
	defer got.Body.Close()
	return c.read(got, answer)
}

// read takes an answer, or what the daemon said instead of one.
func (c *Client) read(got *http.Response, answer any) error {
	text, err := io.ReadAll(io.LimitReader(got.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("control socket %s: %w", c.socket, err)
	}
	if got.StatusCode != http.StatusOK && got.StatusCode != http.StatusUnprocessableEntity {
		no := &Refusal{Status: got.StatusCode}
		if json.Unmarshal(text, no) != nil || no.What == "" {
			no.What = fmt.Sprintf("control socket %s: HTTP status %s; hint: is the daemon of the same version?", c.socket, got.Status)
		}
		return no
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("control socket %s: %w; hint: is the daemon of the same version?", c.socket, err)
	}
	return nil
}

// Follow asks for an answer of lines that does not end, and hands each line on until
// that fails, ctx ends or the daemon does: then it returns nil.
func (c *Client) Follow(ctx context.Context, path string, line func([]byte) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+controlHost+path, nil)
	if err != nil {
		return err
	}
	got, err := c.http.Do(r)
	if err != nil {
		return c.explained(err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return c.read(got, &struct{}{})
	}
	lines := bufio.NewScanner(got.Body)
	lines.Buffer(nil, maxFollowed)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 { // the daemon shows that it is there
			continue
		}
		if err := line(append(lines.Bytes(), '\n')); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("control socket %s: %w", c.socket, err)
	}
	return nil
}

// explained says why nobody answers and what to do.
func (c *Client) explained(err error) error {
	hint := "the daemon's log may say why"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		hint = "is the daemon running, and is this its [admin] control? -c FILE or --socket PATH names another"
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = "the daemon is not running: it left its socket behind"
	case errors.Is(err, fs.ErrPermission):
		hint = "be root, the daemon's user, or a member of socket_group"
	}
	var at *net.OpError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("control socket %s: %w; hint: %s", c.socket, err, hint)
}
