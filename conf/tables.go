package conf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// NetworkRows is the file with the table about what networks are known for.
const NetworkRows = "networks.tsv"

// load reads the tables of the folder into Rows. A file that is not there adds
// nothing; another file that looks like a table is a slip of the pen.
func (t *Tables) load() (problems Errors) {
	if t.Dir == "" {
		return nil
	}
	entries, err := os.ReadDir(t.Dir)
	if err != nil {
		p := unreadable(t.Dir, err)
		p.Key, p.Hint = "tables.dir", "the folder must exist and be readable by the daemon; \"\" is none"
		return Errors{*p}
	}
	for _, e := range entries {
		path := filepath.Join(t.Dir, e.Name())
		if e.Name() != NetworkRows && !slices.Contains(device.RowFiles, e.Name()) {
			if strings.EqualFold(filepath.Ext(e.Name()), ".tsv") {
				problems = append(problems, Problem{File: path, What: "is no table",
					Hint: "one of " + strings.Join(device.RowFiles, ", ") + ", " + NetworkRows})
			}
			continue
		}
		data, _, problem := readFile(path)
		switch {
		case problem != nil:
			problems = append(problems, *problem)
			continue
		case len(data) > maxFile:
			problems = append(problems, Problem{File: path, What: "is larger than " + Size(maxFile).String()})
			continue
		}
		if e.Name() == NetworkRows {
			t.Networks = data
			continue
		}
		for _, wrong := range t.Rows.Read(e.Name(), data) {
			problems = append(problems, Problem{File: path, Line: wrong.Line, Col: 1, What: wrong.What, Hint: wrong.Hint})
		}
	}
	return problems
}
