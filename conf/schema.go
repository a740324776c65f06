package conf

import (
	"reflect"
	"strings"
	"sync"
)

// schemaKey is one key that a file may have. In path, "[]" stands for the
// entries of a list of tables and "KIND" for any device kind: "limit[].rate",
// "device.KIND.action".
type schemaKey struct {
	path string
	tag  reflect.StructTag
}

// table returns the header under which the key is written, "[class.device]".
func (k schemaKey) table() string {
	i := strings.LastIndexByte(k.path, '.')
	if i < 0 {
		return "the top of the file"
	}
	if name, ok := strings.CutSuffix(k.path[:i], "[]"); ok {
		return "[[" + name + "]]"
	}
	return "[" + k.path[:i] + "]"
}

// schema returns every key that is a value, in the order of Config.
var schema = sync.OnceValue(func() []schemaKey { return schemaOf("", reflect.TypeFor[Config]()) })

func schemaOf(path string, t reflect.Type) []schemaKey {
	var out []schemaKey
	for _, f := range fieldsOf(t) {
		name, ft := join(path, f.name), t.Field(f.index).Type
		switch {
		case isTable(ft):
			out = append(out, schemaOf(name, ft)...)
		case ft.Kind() == reflect.Map:
			out = append(out, schemaOf(name+".KIND", ft.Elem())...)
		case ft.Kind() == reflect.Slice && isTable(ft.Elem()):
			out = append(out, schemaOf(name+"[]", ft.Elem())...)
		default:
			out = append(out, schemaKey{name, f.tag})
		}
	}
	return out
}

// Keys returns the dotted name of every key, in the order of Config, for pages
// that must name them all. "limit[].rate" is a key of each [[limit]],
// "device.KIND.action" one of each device kind.
func Keys() []string {
	var out []string
	for _, k := range schema() {
		out = append(out, k.path)
	}
	return out
}

// Rule is what the grammar says of one key.
type Rule struct {
	Key   string // as in Keys
	Range string // "1s..10m", "(0..1)" without its ends; "" where there is none
	Words []string
	Need  bool // an entry of a list or of a map must say it
}

// Grammar returns the rule of every key, in the order of Keys.
func Grammar() []Rule {
	var out []Rule
	for _, k := range schema() {
		out = append(out, Rule{k.path, k.tag.Get("range"), strings.Fields(k.tag.Get("words")), k.tag.Get("need") == "true"})
	}
	return out
}
