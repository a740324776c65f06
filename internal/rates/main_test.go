package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"connections.jsonl": `{"corpus":"trec07p","label":"spam","client_ip":"203.0.113.7","client_name":"cpe-203-0-113-7.dyn.isp.example","name_state":"verified","helo":"DiskStation","mx":"mx.example.net"}
{"corpus":"list:a","label":"ham","client_ip":"192.0.2.1","client_name":"mx1.example.org","name_state":"verified","helo":"mx1.example.org","mx":"mx.example.net"}
{"corpus":"phishing_pot","label":"spam","client_ip":"192.0.2.9","client_name":"","name_state":"unrecorded","helo":"a.example.org","mx":"mx.example.net"}
`,
		"mails.jsonl": `{"corpus":"trec07p","label":"spam","client_ip":"203.0.113.7","client_name":"","name_state":"none","helo":"pc","mx":"mx.example.net","headers":[["Subject","x"]]}
`,
		"hostnames.tsv": "hostname\tlabel\tsource\tip\ncpe-203-0-113-7.dyn.isp.example\tenduser-line\tauth\t203.0.113.7\n",
	}
	want := map[string][]string{
		"connections.jsonl": {`helo-device fail +1 100`, `flag yes +1 100`, `ptr-server pass +0 .* 1 100\.00%\n`},
		"mails.jsonl":       {`ptr-none fail +1`, `msg-direct fail +1`, `msg-busybox fail +1`},
		"hostnames.tsv":     {`user-by-auth`, `ptr-access fail +1 100`, `class access +1`},
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := run(path, false, &out); err != nil {
			t.Fatal(err)
		}
		for _, w := range want[name] {
			if !regexp.MustCompile(w).Match(out.Bytes()) {
				t.Errorf("%s: no %q in\n%s", name, w, &out)
			}
		}
	}
}

func TestRunErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "connections.jsonl")
	if err := run(path, false, &bytes.Buffer{}); err == nil {
		t.Error("no error without a file")
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(path, false, &bytes.Buffer{}); err == nil {
		t.Error("no error for half a record")
	}
}
