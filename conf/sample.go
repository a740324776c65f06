package conf

import _ "embed"

// Sample is the annotated configuration that packages install: every key with
// what it does, its unit and its range. Its values are exactly the defaults.
//
//go:embed iot-milter.toml
var Sample []byte
