package conf

import (
	"reflect"
	"slices"
)

// pending are the keys whose part is not in the program yet: they are checked
// like all others and do nothing. Whoever adds the part removes the row.
var pending = []string{
	"admin.password",
}

// ineffective warns of pending keys that were set to something of the admin's own.
func (d *decoder) ineffective(c *Config) []Problem {
	var out []Problem
	def := Default()
	for _, s := range leaves("", reflect.ValueOf(c).Elem(), reflect.ValueOf(def)) {
		wait := slices.ContainsFunc(pending, func(prefix string) bool { return under(s.path, prefix) })
		if wait && !reflect.DeepEqual(s.got, s.def) {
			out = append(out, d.problemAt(badf("", "has no effect in this version yet"), s.path))
		}
	}
	return out
}

// leaf is a value and its default.
type leaf struct {
	path     string
	got, def any
}

// leaves walks two structs in step. Lists and maps count as one value.
func leaves(path string, got, def reflect.Value) []leaf {
	var out []leaf
	for _, f := range fieldsOf(got.Type()) {
		name, g, d := join(path, f.name), got.Field(f.index), def.Field(f.index)
		if isTable(g.Type()) {
			out = append(out, leaves(name, g, d)...)
		} else {
			out = append(out, leaf{name, g.Interface(), d.Interface()})
		}
	}
	return out
}
