package page

import (
	"net/url"
	"slices"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/page/markup"
)

// clients is what the page shows.
type clients struct {
	allowed []admin.Allowed
	hosts   *admin.Hosts // nil where no address was looked up
	host    *admin.Host  // nil where it was no single one
	typed   url.Values
}

func (c *clients) body(v *view) markup.Node {
	return markup.Group{
		markup.Section("allowed", "Clients that are not judged", c.list(v), c.add(v)),
		markup.Section("remembered", "What is remembered", c.lookup(), c.facts(), c.found(), c.forget(v)),
	}
}

func (c *clients) list(v *view) markup.Node {
	if len(c.allowed) == 0 {
		return markup.Nothing("The list is empty.")
	}
	heads := markup.Heads("Client", "Note", "Added (UTC)", "Until (UTC)", "For the sake of")
	if v.mayChange {
		heads = append(heads, markup.Heads("Change")...)
	}
	var rows []markup.Node
	for i := range c.allowed {
		rows = append(rows, allowedRow(v, &c.allowed[i]))
	}
	return markup.Wide(attr("aria-label", "Table of allowed clients"), markup.Table(nil, heads, rows))
}

func allowedRow(v *view, a *admin.Allowed) markup.Node {
	until := say("for ever")
	if a.Until != nil {
		until = brought(timeText(*a.Until))
	}
	var sake, remove markup.Node
	if a.Evidence != nil {
		sake = el("a", markup.To("/decisions/").Part(a.Evidence.ID).Href(), brought(a.Evidence.ID))
	}
	if v.mayChange {
		remove = markup.Cell(markup.Send("/allow/remove", v.token, markup.Hidden("what", a.What),
			el("button", attr("class", "quiet"), say("Remove"), markup.Unseen(say(" "), brought(a.What)))))
	}
	return markup.Row(brought(a.What), markup.Free(brought(a.Note)), markup.Cell(brought(timeText(a.Added))), markup.Cell(until), markup.Cell(sake), remove)
}

func (c *clients) add(v *view) markup.Node {
	if !v.mayChange {
		return el("p", attr("class", "note"), say("You may read, and change nothing."))
	}
	return markup.Group{el("h3", say("Add one")), markup.Send("/allow", v.token, attr("class", "search"),
		markup.Field("Address, network or domain", "what", "255", c.typed, on("required")),
		markup.Field("Note", "note", "200", c.typed),
		markup.Field("For (30d; nothing is for ever)", "for", "20", c.typed),
		markup.Buttons(markup.Button(say("Add"))))}
}

func (c *clients) lookup() markup.Node {
	return el("form", attr("method", "get"), attr("action", "/clients"), attr("class", "line"),
		markup.Field("Address or network", "prefix", "64", c.typed, on("required")),
		markup.Buttons(markup.Button(say("Look up"))))
}

// facts are what look-ups on the address found.
func (c *clients) facts() markup.Node {
	if c.host == nil || len(c.host.Facts) == 0 {
		return nil
	}
	var rows []markup.Node
	for _, f := range c.host.Facts {
		left := time.Duration(f.Left) * time.Second
		rows = append(rows, markup.Row(markup.Group{brought(f.Kind), say(" "), brought(f.List)}, markup.Free(brought(f.Text)), markup.Cell(brought(left.String()))))
	}
	return markup.Group{el("h3", say("Facts on "), brought(c.host.Addr.String())), markup.Table(nil, markup.Heads("Kind", "Fact", "Holds for"), rows)}
}

func (c *clients) found() markup.Node {
	switch {
	case c.hosts == nil:
		return nil
	case len(c.hosts.Hosts) == 0:
		return markup.Nothing("No session of these addresses is remembered.")
	}
	var rows []markup.Node
	for i := range c.hosts.Hosts {
		rows = append(rows, hostRow(&c.hosts.Hosts[i]))
	}
	heads := slices.Concat(markup.Heads("Host"), markup.Numbered("Sessions", "Suspect", "Flagged"), markup.Heads("Device", "First (UTC)", "Last (UTC)"))
	caption := markup.Caption(markup.Number(c.hosts.Total), say(" in all, those seen last first"))
	return markup.Wide(attr("aria-label", "Table of hosts"), markup.Table(caption, heads, rows))
}

func hostRow(h *admin.Host) markup.Node {
	name := h.Network
	if name == "" {
		name = h.Addr.String()
	}
	return markup.Row(brought(name), markup.Count(h.Sessions), markup.Count(h.Suspect), markup.Count(h.Flagged),
		markup.Cell(brought(h.Device)), markup.Cell(brought(timeText(h.First))), markup.Cell(brought(timeText(h.Last))))
}

func (c *clients) forget(v *view) markup.Node {
	if c.hosts == nil || !v.mayChange {
		return nil
	}
	prefix := c.typed.Get("prefix")
	return markup.Send("/forget", v.token, attr("class", "line"), markup.Hidden("prefix", prefix),
		markup.Buttons(el("button", attr("class", "danger"), say("Forget "), brought(prefix))))
}
