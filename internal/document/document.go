// Package document reads the project's Markdown for tests: the blocks that a page shows, where its links lead,
// and the anchors of its headings. What a block means, and whether it is true, is for the tests to say; nothing of
// the product imports it.
package document

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Page is a Markdown file.
type Page struct {
	Path     string // as found, with slashes
	Text     string
	Blocks   []Block
	Spans    []string // code within the text
	Links    []Link
	Headings []Heading
}

// Block is a block of code.
type Block struct {
	Page     string
	Section  string // anchor of the heading above
	Line     int    // of its first line of code; the first line of a page is 1
	Language string // the word behind the fence; "" for none, and for blocks that are indented
	Fenced   bool
	Text     string // without the indentation of the block
}

// Where is the block's place, for messages.
func (b Block) Where() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Link is one to another page, file or section.
type Link struct {
	Target, Anchor string // Target is "" for a section of the same page
}

// Heading is the title of a section, or of the page.
type Heading struct {
	Text, Anchor string
	Level        int
}

// Read reads the pages that patterns name (path.Match) below root.
func Read(root string, patterns ...string) ([]Page, error) {
	var all []Page
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			all = append(all, Parse(filepath.ToSlash(path), source))
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no documents are called %q", root, patterns)
	}
	return all, nil
}

// All are the documents that users read: those of the root and of docs/.
func All(root string) ([]Page, error) { return Read(root, "*.md", "docs/*.md", "docs/*/*.md") }

// Parse reads a page.
func Parse(path string, source []byte) Page {
	p := Page{Path: path, Text: string(source)}
	anchors := map[string]int{}
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function returns no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.FencedCodeBlock:
			p.block(source, n.Lines(), string(n.Language(source)), true)
		case *ast.CodeBlock:
			p.block(source, n.Lines(), "", false)
		case *ast.CodeSpan:
			p.Spans = append(p.Spans, plain(n, source))
		case *ast.Link:
			p.link(string(n.Destination))
		case *ast.Image:
			p.link(string(n.Destination))
		case *ast.Heading:
			title := plain(n, source)
			p.Headings = append(p.Headings, Heading{title, anchor(title, anchors), n.Level})
		}
		return ast.WalkContinue, nil
	})
	return p
}

func (p *Page) block(source []byte, lines *text.Segments, language string, fenced bool) {
	b := Block{Page: p.Path, Language: language, Fenced: fenced, Text: string(lines.Value(source))}
	if lines.Len() > 0 {
		b.Line = 1 + bytes.Count(source[:lines.At(0).Start], []byte("\n"))
	}
	if n := len(p.Headings); n > 0 {
		b.Section = p.Headings[n-1].Anchor
	}
	p.Blocks = append(p.Blocks, b)
}

// link notes a link that leads to a file or a section; those to other sites are not looked at.
func (p *Page) link(destination string) {
	u, err := url.Parse(destination)
	if err == nil && (u.Scheme != "" || u.Host != "") {
		return
	}
	target, anchor, _ := strings.Cut(destination, "#")
	p.Links = append(p.Links, Link{target, anchor})
}

// plain is what a reader sees of a heading.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// anchor names a section as GitHub does: lower case, blanks as hyphens, no other signs, and a number for the
// second of one name.
func anchor(title string, seen map[string]int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			b.WriteRune(r)
		}
	}
	name := b.String()
	n := seen[name]
	seen[name]++
	if n > 0 {
		return fmt.Sprintf("%s-%d", name, n)
	}
	return name
}

// Has reports whether a page has a section of that anchor.
func (p *Page) Has(anchor string) bool {
	for _, h := range p.Headings {
		if h.Anchor == anchor {
			return true
		}
	}
	return false
}

// Of are the blocks of one language, in their order.
func (p *Page) Of(language string) []Block {
	var all []Block
	for _, b := range p.Blocks {
		if b.Language == language {
			all = append(all, b)
		}
	}
	return all
}
