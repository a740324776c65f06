package conf

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/iot-milter/iot-milter/policy"
)

// Effective writes the whole configuration as TOML, defaults included, in the
// order of Config. Secrets are redacted; what it returns loads again and then
// equals c.Redacted().
func Effective(c *Config) []byte {
	var w writer
	w.table("", reflect.ValueOf(c.Redacted()))
	return w.buf.Bytes()
}

// redactedHash is of the shape of a bcrypt hash, so that the output still
// loads, and of no known password, so that it opens nothing when it does.
const redactedHash = "$2b$12$redacted............................................."

// Redacted returns the configuration without secrets: the passwords' hashes
// and the credentials in store.url. Lists and maps are shared with c.
func (c *Config) Redacted() Config {
	out := *c
	for _, hash := range [...]*string{&out.Admin.Password, &out.Admin.ChangePassword} {
		if *hash != "" {
			*hash = redactedHash
		}
	}
	out.Store.URL = redactURL(out.Store.URL)
	out.DNSList = slices.Clone(out.DNSList)
	for i := range out.DNSList {
		out.DNSList[i].Zone = redactZone(out.DNSList[i].Zone)
	}
	return out
}

// redactZone hides a customer's key.
func redactZone(zone string) string {
	if rest, keyed := policy.WithoutKey(zone); keyed {
		return "redacted." + rest
	}
	return zone
}

// redactURL hides user, password, and every option: which of them hold secrets
// depends on the client library.
func redactURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || s == "" {
		return ""
	}
	if u.User != nil {
		u.User = url.User("redacted")
	}
	if u.RawQuery != "" {
		q := u.Query()
		for k := range q {
			q.Set(k, "redacted")
		}
		u.RawQuery = q.Encode()
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String()
}

type writer struct{ buf bytes.Buffer }

// table writes the values of a table, then the tables below it: in TOML a value
// behind a header would belong to that header.
func (w *writer) table(path string, v reflect.Value) {
	fields := fieldsOf(v.Type())
	for _, f := range fields {
		if x := v.Field(f.index); !isBelow(x) {
			fmt.Fprintf(&w.buf, "%s = %s\n", f.name, literal(x))
		}
	}
	for _, f := range fields {
		if x := v.Field(f.index); isBelow(x) {
			w.below(join(path, f.name), x)
		}
	}
}

// isBelow tells whether a value needs headers. A list of no tables does not.
func isBelow(v reflect.Value) bool {
	t := v.Type()
	return isTable(t) || t.Kind() == reflect.Map || t.Kind() == reflect.Slice && isTable(t.Elem()) && v.Len() > 0
}

func (w *writer) below(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			fmt.Fprintf(&w.buf, "\n[[%s]]\n", path)
			w.table(path, v.Index(i))
		}
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return int(a.Uint()) - int(b.Uint()) })
		for _, k := range keys {
			w.below(join(path, codecs[k.Type()].format(k.Interface())), v.MapIndex(k))
		}
	default:
		if hasValues(v) {
			fmt.Fprintf(&w.buf, "\n[%s]\n", path)
		}
		w.table(path, v)
	}
}

// hasValues is false of a table of tables only, [class], which needs no header.
func hasValues(v reflect.Value) bool {
	return slices.ContainsFunc(fieldsOf(v.Type()), func(f field) bool { return !isBelow(v.Field(f.index)) })
}

// literal writes one value, or a list of them, in TOML.
func literal(v reflect.Value) string {
	if c, ok := codecs[v.Type()]; ok {
		return quote(c.format(v.Interface()))
	}
	switch v.Kind() {
	case reflect.String:
		return quote(v.String())
	case reflect.Float64:
		return formatFloat(v.Float())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = literal(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return fmt.Sprint(v.Interface())
}

// quote writes a TOML basic string; strconv.Quote knows escapes that TOML does not.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r == utf8.RuneError:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
