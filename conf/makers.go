package conf

import (
	"errors"
	"io"
	"os"

	"github.com/iot-milter/iot-milter/policy/device"
)

// maxRegistry bounds the registry of makers, in bytes: oui.txt of 2022 has 5 MiB.
const maxRegistry = 64 << 20

// load reads the registry of makers into Makers.
func (i *Identify) load() Errors {
	if i.OUI == "" {
		return nil
	}
	f, err := os.Open(i.OUI)
	if err != nil {
		p := unreadable(i.OUI, err)
		p.Key, p.Hint = "identify.oui", "Debian's package ieee-data has /usr/share/ieee-data/oui.txt; \"\" is none"
		return Errors{*p}
	}
	defer f.Close()
	makers, err := device.ParseMakers(io.LimitReader(f, maxRegistry))
	var row *device.RowError
	switch {
	case errors.As(err, &row):
		return Errors{{File: i.OUI, Line: row.Line, Col: 1, Key: "identify.oui", What: row.What, Hint: row.Hint}}
	case err != nil:
		p := unreadable(i.OUI, err)
		p.Key = "identify.oui"
		return Errors{*p}
	}
	i.Makers = makers
	return nil
}
