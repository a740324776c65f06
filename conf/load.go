package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxFile bounds the configuration file, in bytes. A thousand networks take 20 KiB.
const maxFile = 1 << 20

// Load reads the configuration file at path. Without a path the defaults hold.
// The error is of type Errors and has every problem of the file; the warnings
// are sorted by position and come only with a configuration. Where the file is
// right the tables in its [tables] dir and its [identify] oui are read too, and a secret
// in a file that is open to all is a warning.
func Load(path string) (*Config, []Warning, error) {
	if path == "" {
		cfg := Default()
		return &cfg, nil, nil
	}
	data, mode, problem := readFile(path)
	if problem != nil {
		return nil, nil, Errors{*problem}
	}
	cfg, warnings, err := Parse(path, data)
	if err != nil {
		return nil, nil, err
	}
	if wrong := append(cfg.Tables.load(), cfg.Identify.load()...); len(wrong) > 0 {
		return nil, nil, wrong
	}
	if mode&0o004 != 0 && !reflect.DeepEqual(*cfg, cfg.Redacted()) {
		warnings = append(warnings, Warning{File: path, What: "holds a secret, and every user of this machine may read it",
			Hint: "chgrp iot-milter " + path + " && chmod 0640 " + path})
	}
	return cfg, warnings, nil
}

func readFile(path string) ([]byte, fs.FileMode, *Problem) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, unreadable(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, 0, unreadable(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, unreadable(path, err)
	}
	return data, info.Mode(), nil
}

func unreadable(path string, err error) *Problem {
	p := &Problem{File: path, What: err.Error(), cause: err}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		p.What = pe.Err.Error()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.What, p.Hint = "no such file", `with -c "" all defaults hold; iot-milter check -c "" prints them`
	case errors.Is(err, fs.ErrPermission):
		p.Hint = "the file must be readable by user " + strconv.Itoa(os.Getuid()) + `; with -c "" all defaults hold`
	}
	return p
}

// Parse reads a configuration from data; name is for messages only. It reports
// as Load does, and opens no other file.
func Parse(name string, data []byte) (*Config, []Warning, error) {
	// An editor's byte order mark is no part of the text, nor of its columns.
	d := decoder{file: name, src: strings.TrimPrefix(string(data), "\uFEFF")}
	d.starts = lineStarts(d.src)
	if !d.readable(len(data)) {
		return nil, nil, d.problems
	}
	var raw map[string]any
	if _, err := toml.Decode(d.src, &raw); err != nil {
		return nil, nil, Errors{d.syntax(err)}
	}
	d.at = findMarks(d.src)
	cfg := Default()
	d.table("", raw, reflect.ValueOf(&cfg).Elem())
	warnings := d.judge(&cfg)
	if len(d.problems) > 0 {
		slices.SortStableFunc(d.problems, byPosition)
		return nil, nil, d.problems
	}
	return &cfg, warnings, nil
}

// readable reports what is no text of ours, before TOML is tried.
func (d *decoder) readable(size int) bool {
	if size > maxFile {
		d.problems = Errors{{File: d.file, What: fmt.Sprintf("is larger than %s", Size(maxFile)),
			Hint: "is it the right file?"}}
		return false
	}
	const saveAs = "save the file as UTF-8"
	if strings.HasPrefix(d.src, "\xff\xfe") || strings.HasPrefix(d.src, "\xfe\xff") || strings.Contains(d.src, "\x00") {
		d.report(max(0, strings.IndexByte(d.src, 0)), "", badf(saveAs, "is not UTF-8 text, perhaps UTF-16"))
		return false
	}
	for i, r := range d.src {
		if r != utf8.RuneError {
			continue
		}
		if _, n := utf8.DecodeRuneInString(d.src[i:]); n == 1 {
			d.report(i, "", badf(saveAs, "the byte 0x%02x is not UTF-8", d.src[i]))
			return false
		}
	}
	return true
}

// syntax puts an error of the TOML library into our form.
func (d *decoder) syntax(err error) Problem {
	p := Problem{File: d.file, What: err.Error(), cause: err}
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return p
	}
	p.Line, p.Col = lineCol(d.src, d.starts, pe.Position.Start)
	p.What = strings.TrimSuffix(pe.Message, ".")
	if head, tail, ok := strings.Cut(p.What, " "); ok && head == "Key" {
		p.What = "key " + tail
	}
	switch {
	case strings.Contains(p.What, "already been defined"):
		p.Hint = "each key and each [table] once in a file"
	case strings.Contains(p.What, "expected value"):
		p.Hint = "texts stand in quotes"
	case strings.Contains(p.What, "newlines"):
		p.Hint = "close the text with a quote on the same line"
	}
	return p
}
