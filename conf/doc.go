// Package conf is the configuration: its types, its defaults, the file that
// admins write (TOML 1.0, iot-milter.toml(5)) and every complaint about it.
//
// Load reads a file and reports all its problems at once, each with file, line
// and column, and with a hint of what to write instead. An unknown key is an
// error: a misspelt safety setting must not be silently ignored. What needs two
// keys to judge is a rule in rule.go.
//
// The package knows words and ranges, not their meaning: it opens no socket,
// resolves no name, reads no other file, and imports of the program only the
// closed vocabularies. internal/daemon translates a Config into the options of
// the parts.
//
// A key is a field of Config. Its struct tags are the whole grammar of the key:
//
//	toml   the name in the file
//	range  the least and the greatest value, "1s..10m"; in brackets, "(0..1)",
//	       the ends themselves are excluded
//	words  the closed list of words that it takes
//	form   the shape of a text, a name in forms (form.go)
//	need   "true": an entry of a list or of a map must say it
package conf
