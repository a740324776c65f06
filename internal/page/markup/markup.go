// Package markup is what the pages are made of: HTML elements and attributes, escaped
// as they are written.
//
// It keeps apart what is ours and what is not (safety rule 20). Names and our own words
// are literals: they must stand in the source, since a string that was made at run time
// is of another type and does not compile. Such a one has Brought, Typed, AttrOf and
// Address alone, each of which makes it harmless.
package markup

import (
	"fmt"
	"strings"
	"unicode"

	"maragu.dev/gomponents"

	"github.com/iot-milter/iot-milter/internal/replay"
)

// literal is a string that stands in the source: other packages cannot name the type, so
// only constants become one.
type literal string

// Node is an element, an attribute or a text; nil is none of them.
type Node = gomponents.Node

// Group is several of them in a row.
type Group = gomponents.Group

// Document is a whole page.
func Document(of ...Node) Node {
	return Group{gomponents.Raw("<!DOCTYPE html>\n"), El("html", append([]Node{Attr("lang", "en")}, of...)...)}
}

// El is an element, with its attributes and what is in it.
func El(name literal, of ...Node) Node { return gomponents.El(string(name), of...) }

// Attr is an attribute that is all ours.
func Attr(name, value literal) Node { return gomponents.Attr(string(name), string(value)) }

// On is an attribute without a value.
func On(name literal) Node { return gomponents.Attr(string(name)) }

// Say is text of ours.
func Say(text literal) Node { return gomponents.Text(string(text)) }

// Brought is text that mail may have brought, or that is not known to be ours: what is
// not plain is quoted.
func Brought(s string) Node { return gomponents.Text(replay.Harmless(s)) }

// Typed is text of several lines, or what an admin typed or a link made him type.
func Typed(s string) Node { return gomponents.Text(printable(s)) }

// Number is a number.
func Number[T int | int64 | uint32 | uint64](n T) Node { return gomponents.Text(fmt.Sprint(n)) }

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			return r
		}
		return -1
	}, s)
}

// plain are the attributes that may have a value that is not ours: no addresses, scripts
// or styles.
var plain = map[literal]bool{"alt": true, "aria-label": true, "aria-labelledby": true, "class": true, "for": true, "id": true,
	"name": true, "value": true}

// AttrOf is an attribute whose value ends in what need not be ours.
func AttrOf(name, begins literal, s string) Node {
	if !plain[name] {
		panic("markup: attribute " + string(name) + " is for literals and addresses")
	}
	return gomponents.Attr(string(name), string(begins)+printable(s))
}
