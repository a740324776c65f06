package plumbing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	postconfTime   = 10 * time.Second
	postconfOutput = 1 << 20 // bytes; what it prints has some 50 KB
)

// places of postconf: sbin folders are not in everybody's PATH, and root's PATH is not trusted.
var places = []string{"/usr/sbin/postconf", "/usr/local/sbin/postconf", "/usr/bin/postconf"}

// postconf runs Postfix's tool on a configuration folder, "" for its default, and
// returns the settings that it prints as "name = value".
func postconf(dir string, options ...string) (map[string]string, error) {
	program := ""
	for _, p := range places {
		if _, err := os.Stat(p); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		return nil, errors.New("postconf is missing; hint: is Postfix installed here?")
	}
	if dir != "" {
		options = append([]string{"-c", dir}, options...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), postconfTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, options...)
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.WaitDelay = time.Second
	out, complaint := bounded{most: postconfOutput}, bounded{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("postconf: %w: %s; hint: --mta names the folder of main.cf", err, strings.TrimSpace(complaint.String()))
	}
	return settings(out.String()), nil
}

// bounded keeps what is written to it up to a bound, and then fails.
type bounded struct {
	kept bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > b.most {
		return 0, io.ErrShortWrite
	}
	return b.kept.Write(p)
}

func (b *bounded) String() string { return b.kept.String() }

func settings(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			all[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return all
}
