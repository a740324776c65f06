package markup

import "net/url"

// Section is a part of a page under a heading.
func Section(id, title literal, of ...Node) Node {
	return El("section", append([]Node{Attr("aria-labelledby", id), El("h2", Attr("id", id), Say(title))}, of...)...)
}

// Nothing says why there is nothing.
func Nothing(text literal) Node { return El("p", Attr("class", "nothing"), Say(text)) }

// Unseen is for those who listen.
func Unseen(of ...Node) Node { return El("span", append([]Node{Attr("class", "unseen")}, of...)...) }

// Wide is what may be wider than the screen: it is moved by keys, too.
func Wide(label Node, of ...Node) Node {
	return El("div", append([]Node{Attr("class", "wide"), Attr("role", "region"), label, Attr("tabindex", "0")}, of...)...)
}

// Table has a row of heads, over its rows. What is among the heads and no head, such as a
// caption, stands before them.
func Table(caption Node, heads, rows []Node) Node {
	return El("table", caption, El("thead", El("tr", heads...)), El("tbody", rows...))
}

// TableOr is a table, or what stands in its place where it has no rows.
func TableOr(rows []Node, none Node, caption literal, heads []Node) Node {
	switch {
	case len(rows) == 0:
		return none
	case caption == "":
		return Table(nil, heads, rows)
	}
	return Table(Caption(Say(caption)), heads, rows)
}

// Caption is that of a table.
func Caption(of ...Node) Node { return El("caption", of...) }

// Heads are those of columns.
func Heads(of ...literal) []Node {
	heads := make([]Node, len(of))
	for i, text := range of {
		heads[i] = El("th", Attr("scope", "col"), Say(text))
	}
	return heads
}

// Numbered are heads of columns of numbers.
func Numbered(of ...literal) []Node {
	heads := make([]Node, len(of))
	for i, text := range of {
		heads[i] = NumberHead(Say(text))
	}
	return heads
}

// NumberHead is the head of a column of numbers.
func NumberHead(of Node) Node {
	return El("th", Attr("scope", "col"), Attr("class", "number"), of)
}

// Row is one of a table, named by its first cell.
func Row(name Node, cells ...Node) Node {
	return El("tr", append([]Node{El("th", Attr("scope", "row"), name)}, cells...)...)
}

// Cell is one of a table.
func Cell(of ...Node) Node { return El("td", of...) }

// Free is a cell whose text may be long.
func Free(of ...Node) Node { return El("td", append([]Node{Attr("class", "free")}, of...)...) }

// Figure is a cell with a number.
func Figure(of ...Node) Node { return El("td", append([]Node{Attr("class", "number")}, of...)...) }

// Count is a cell with a count.
func Count[T int | int64 | uint64](n T) Node { return Figure(Number(n)) }

// Fact is a name and what is known under it.
func Fact(name literal, of ...Node) Node { return Group{El("dt", Say(name)), El("dd", of...)} }

// FreeFact is one whose text may be long.
func FreeFact(name literal, of ...Node) Node {
	return Fact(name, append([]Node{Attr("class", "free")}, of...)...)
}

// Field is one of a form, as it was filled in. More are attributes.
func Field(label, name, longest literal, filled url.Values, more ...Node) Node {
	input := []Node{Attr("id", name), Attr("name", name), AttrOf("value", "", filled.Get(string(name))), Attr("maxlength", longest), Attr("autocomplete", "off")}
	return El("p", El("label", Attr("for", name), Say(label)), El("input", append(input, more...)...))
}

// FieldOf is one of a form that is there more than once; nth tells them apart.
func FieldOf(label, name, longest literal, nth string) Node {
	return El("p", El("label", AttrOf("for", name, nth), Say(label)),
		El("input", AttrOf("id", name, nth), Attr("name", name), Attr("maxlength", longest), Attr("autocomplete", "off")))
}

// Choice is a field of words; none says what none of them is.
func Choice(label, name, none literal, words []string, filled url.Values) Node {
	options := []Node{Attr("id", name), Attr("name", name), El("option", Attr("value", ""), Say(none))}
	for _, word := range words {
		var selected Node
		if word == filled.Get(string(name)) {
			selected = On("selected")
		}
		options = append(options, El("option", selected, Brought(word)))
	}
	return El("p", El("label", Attr("for", name), Say(label)), El("select", options...))
}

// Hidden is a field that is filled in already.
func Hidden(name literal, value string) Node {
	return El("input", Attr("type", "hidden"), Attr("name", name), AttrOf("value", "", value))
}

// Buttons ends a form.
func Buttons(of ...Node) Node { return El("p", append([]Node{Attr("class", "buttons")}, of...)...) }

// Button sends a form.
func Button(of ...Node) Node { return El("button", of...) }

// Send is a form that changes something, or asks for a lot; the token is its caller's.
func Send(to literal, token string, of ...Node) Node {
	return El("form", append([]Node{Attr("method", "post"), Attr("action", to), Hidden("token", token)}, of...)...)
}
