package conf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTables(t *testing.T) {
	const good = "word\tmatch\ttraits\tsource\nlinje\twhole\taccess\tmine\n"
	tests := []struct {
		name  string
		files map[string]string
		want  []string // parts of the problems, in order; none: it loads
	}{
		{"empty", nil, nil},
		{"good", map[string]string{"words.tsv": good, "README": "x"}, nil},
		{"row", map[string]string{"words.tsv": good + "x y\twhole\taccess\tmine\nlinje\thole\taccess\tmine\n"},
			[]string{`words.tsv:3:1: "x y" is not a word`, `words.tsv:4:1: match is "hole"; hint: whole`}},
		{"misspelt", map[string]string{"word.tsv": good}, []string{"word.tsv: is no table; hint: one of domains.tsv"}},
		{"huge", map[string]string{"words.tsv": strings.Repeat("#\n", maxFile)}, []string{"words.tsv: is larger than 1MiB"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				write(t, filepath.Join(dir, name), text)
			}
			file := filepath.Join(t.TempDir(), "iot-milter.toml")
			write(t, file, fmt.Sprintf("[tables]\ndir = %q\n", dir))
			c, _, err := Load(file)
			if len(tt.want) == 0 {
				if err != nil || len(c.Tables.Rows.Words) != min(1, len(tt.files)) {
					t.Fatalf("%v, rows %+v", err, c)
				}
				return
			}
			wrong, ok := err.(Errors)
			if !ok || len(wrong) != len(tt.want) || c != nil {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			for i, want := range tt.want {
				if got := wrong[i].Error(); !strings.HasPrefix(got, filepath.Join(dir, want)) {
					t.Errorf("%s, want %s", got, want)
				}
			}
		})
	}
}

func TestTablesFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "iot-milter.toml")
	write(t, file, "[tables]\ndir = \"/nowhere/at/all\"\n")
	if _, _, err := Load(file); err == nil || !strings.Contains(err.Error(), "/nowhere/at/all: tables.dir: no such file; hint: the folder") {
		t.Errorf("%v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
