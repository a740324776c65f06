package document

import (
	"reflect"
	"testing"
)

const sample = "# The `one` page\n\n" +
	"See [that](other.md#a-b), [here](#twice), [away](https://example.org/x#y) and `[no](link.md)`.\n\n" +
	"## Twice\n\n```sh\nls\n```\n\n- in a list\n\n  ```toml\n  a = 1\n    b = 2\n  ```\n\n## Twice\n\n    indented\n"

func TestParse(t *testing.T) {
	p := Parse("page.md", []byte(sample))
	want := Page{
		Path: "page.md", Text: sample,
		Blocks: []Block{
			{"page.md", "twice", 8, "sh", true, "ls\n"},
			{"page.md", "twice", 14, "toml", true, "a = 1\n  b = 2\n"},
			{"page.md", "twice-1", 20, "", false, "indented\n"},
		},
		Spans:    []string{"one", "[no](link.md)"},
		Links:    []Link{{"other.md", "a-b"}, {"", "twice"}},
		Headings: []Heading{{"The one page", "the-one-page", 1}, {"Twice", "twice", 2}, {"Twice", "twice-1", 2}},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got\n%+v\nwant\n%+v", p, want)
	}
	if !p.Has("twice-1") || p.Has("that") {
		t.Error("anchors are not those of the headings")
	}
	if got := p.Of("toml"); len(got) != 1 || got[0].Where() != "page.md:14" {
		t.Errorf("the block of TOML is %+v", got)
	}
}

func TestReadNamesWhatIsMissing(t *testing.T) {
	if _, err := Read(t.TempDir(), "*.md"); err == nil {
		t.Error("a folder without documents is no error")
	}
}
