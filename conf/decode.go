package conf

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// decoder carries one file into one Config. It goes on after a problem: the key
// then keeps its default.
type decoder struct {
	file     string
	src      string
	starts   []int // of lines
	at       marks
	problems Errors
}

// field is one key of a table.
type field struct {
	name  string
	tag   reflect.StructTag
	index int
}

// fieldsOf returns the keys of a table in the order of the struct, or nil when
// t is no table.
func fieldsOf(t reflect.Type) []field {
	if _, text := codecs[t]; text || t.Kind() != reflect.Struct {
		return nil
	}
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		if name := f.Tag.Get("toml"); name != "" {
			out = append(out, field{name: name, tag: f.Tag, index: i})
		}
	}
	return out
}

func isTable(t reflect.Type) bool { return len(fieldsOf(t)) > 0 }

// report adds a problem; m is where, in bytes.
func (d *decoder) report(m int, key string, err *valueError) {
	line, col := lineCol(d.src, d.starts, m)
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Col: col, Key: key, What: err.what, Hint: err.hint})
}

func (d *decoder) badValue(key string, err *valueError) { d.report(d.at[key].value, key, err) }
func (d *decoder) badKey(key string, err *valueError)   { d.report(d.at[key].key, key, err) }

// table decodes raw into the struct v. Without a mark of its own, as at the
// root, it has no position.
func (d *decoder) table(path string, raw any, v reflect.Value) {
	m, ok := raw.(map[string]any)
	if !ok {
		d.badValue(path, badf(header(path)+" and its keys below", "is %s, want a table", kindOf(raw)))
		return
	}
	fields := fieldsOf(v.Type())
	for _, name := range slices.Sorted(maps.Keys(m)) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			d.unknown(path, name, fields)
			continue
		}
		d.value(join(path, name), m[name], v.Field(fields[i].index), fields[i].tag)
	}
	for _, f := range fields {
		if _, ok := m[f.name]; !ok && f.tag.Get("need") == "true" {
			d.badKey(path, badf("add a line "+f.name+" = …", "has no %s", f.name))
		}
	}
}

// header is how a table begins, "[class.device]" or "[[limit]]".
func header(path string) string {
	if i := strings.LastIndexByte(path, '['); i >= 0 {
		return "[[" + path[:i] + "]]"
	}
	return "[" + path + "]"
}

// unknown reports a key that the table does not have, and guesses.
func (d *decoder) unknown(path, name string, fields []field) {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	what := "unknown key"
	if path == "" {
		what = "unknown key or table"
	}
	hint := "known here are " + strings.Join(names, ", ")
	if w := nearest(name, names); w != "" {
		hint = fmt.Sprintf("did you mean %q?", w)
	} else if home := homeOf(name); home != "" {
		hint = "it belongs to " + home
	} else if path == "" {
		hint = "see iot-milter.toml(5) for all keys"
	}
	d.badKey(join(path, name), badf(hint, "%s", what))
}

// homeOf returns the only table that has a key of this name, or "".
func homeOf(name string) string {
	var homes []string
	for _, k := range schema() {
		if i := strings.LastIndexByte(k.path, '.'); k.path[i+1:] == name {
			homes = append(homes, k.table())
		}
	}
	if len(homes) != 1 {
		return ""
	}
	return homes[0]
}

// value decodes one value into v, whatever v is.
func (d *decoder) value(path string, raw any, v reflect.Value, tag reflect.StructTag) {
	t := v.Type()
	switch {
	case isTable(t):
		d.table(path, raw, v)
	case t.Kind() == reflect.Map:
		d.overrides(path, raw, v)
	case t.Kind() == reflect.Slice:
		d.list(path, raw, v, tag)
	default:
		if err := decodeScalar(raw, v, tag); err != nil {
			d.badValue(path, err)
		}
	}
}

// overrides decodes tables whose names are words, [device.KIND]. They add to
// the defaults.
func (d *decoder) overrides(path string, raw any, v reflect.Value) {
	m, ok := raw.(map[string]any)
	if !ok {
		d.badValue(path, badf("["+path+".KIND] and its keys below", "is %s, want tables", kindOf(raw)))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		key := reflect.New(v.Type().Key()).Elem()
		if err := decodeScalar(name, key, ""); err != nil {
			d.badKey(join(path, name), err)
			continue
		}
		entry := reflect.New(v.Type().Elem()).Elem()
		d.table(join(path, name), m[name], entry)
		v.SetMapIndex(key, entry)
	}
}

// list decodes an array or [[entries]]; it replaces the default. An empty one
// is nil, so that equal configurations are deeply equal.
func (d *decoder) list(path string, raw any, v reflect.Value, tag reflect.StructTag) {
	items, ok := elements(raw)
	if !ok {
		d.badValue(path, badf("put it in brackets: [ … ]", "is %s, want a list", kindOf(raw)))
		return
	}
	var out reflect.Value
	if len(items) > 0 {
		out = reflect.MakeSlice(v.Type(), len(items), len(items))
	} else {
		out = reflect.Zero(v.Type())
	}
	before := len(d.problems)
	for i, item := range items {
		if out.Index(i).Type() == reflect.TypeFor[Limit]() {
			out.Index(i).Set(reflect.ValueOf(Default().Limit[0]))
		}
		d.value(element(path, i), item, out.Index(i), tag)
	}
	if len(d.problems) == before {
		v.Set(out)
	}
}

func elements(raw any) ([]any, bool) {
	switch list := raw.(type) {
	case []any:
		return list, true
	case []map[string]any:
		out := make([]any, len(list))
		for i, m := range list {
			out[i] = m
		}
		return out, true
	}
	return nil, false
}

// decodeScalar decodes a value that is neither table nor list, and judges it by
// the tag. v is left alone when it is wrong.
func decodeScalar(raw any, v reflect.Value, tag reflect.StructTag) *valueError {
	parsed, err := parseScalar(raw, v.Type(), tag)
	if err != nil {
		return err
	}
	if err := checkRange(parsed, raw, tag.Get("range")); err != nil {
		return err
	}
	v.Set(parsed)
	return nil
}

func parseScalar(raw any, t reflect.Type, tag reflect.StructTag) (reflect.Value, *valueError) {
	v := reflect.New(t).Elem()
	if c, ok := codecs[t]; ok {
		return parseText(raw, v, c, tag)
	}
	switch x := raw.(type) {
	case string:
		if t.Kind() != reflect.String {
			break
		}
		v.SetString(x)
		return v, checkText(x, tag)
	case bool:
		if t.Kind() != reflect.Bool {
			break
		}
		v.SetBool(x)
		return v, nil
	case int64:
		switch {
		case v.CanInt():
			v.SetInt(x) // an int of 64 bits; the range is narrower
			return v, nil
		case v.CanUint() && x >= 0 && !v.OverflowUint(uint64(x)):
			v.SetUint(uint64(x))
			return v, nil
		case v.CanUint():
			return v, outOfRange(raw, tag.Get("range"))
		case v.CanFloat():
			v.SetFloat(float64(x))
			return v, nil
		}
	case float64:
		if v.CanFloat() {
			v.SetFloat(x)
			return v, nil
		}
	}
	return v, wrongType(raw, t)
}

func parseText(raw any, v reflect.Value, c codec, tag reflect.StructTag) (reflect.Value, *valueError) {
	s, ok := raw.(string)
	if !ok {
		return v, badf(fmt.Sprintf("a text in quotes, such as %q", c.example), "is %s, want %s", kindOf(raw), c.what)
	}
	// What the key takes comes first: the type may know more words.
	if err := checkText(s, tag); err != nil {
		return v, err
	}
	x, err := c.parse(s)
	if ve, ok := err.(*valueError); ok {
		return v, ve
	}
	v.Set(reflect.ValueOf(x))
	return v, nil
}

func checkText(s string, tag reflect.StructTag) *valueError {
	if list := strings.Fields(tag.Get("words")); len(list) > 0 && !slices.Contains(list, s) {
		return badf(oneOf(s, list), "%q is not possible here", s)
	}
	if check := forms[tag.Get("form")]; check != nil {
		return check(s)
	}
	return nil
}

func wrongType(raw any, t reflect.Type) *valueError {
	want, hint := "", ""
	switch t.Kind() {
	case reflect.String:
		want, hint = "a text", "put it in quotes"
	case reflect.Bool:
		want, hint = "true or false", "write true or false, without quotes"
	case reflect.Float64:
		want, hint = "a number", "such as 0.5, without quotes"
	default:
		want, hint = "a whole number", "such as 5, without quotes"
	}
	return badf(hint, "is %s, want %s", kindOf(raw), want)
}

// kindOf names the type of a TOML value as an admin would. It does not repeat
// the value, which may be a secret in the wrong place.
func kindOf(raw any) string {
	switch raw.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64:
		return "a whole number"
	case float64:
		return "a decimal number"
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "a list"
	}
	return "a date"
}
