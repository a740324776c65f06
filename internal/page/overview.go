package page

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/internal/page/markup"
	"github.com/iot-milter/iot-milter/policy"
)

const (
	topRows    = 10
	recentRows = 10
	scarce     = 5 * time.Second // that the overview gives to its search
)

// overview shows what happens and how the daemon is.
func (p *Page) overview(w http.ResponseWriter, r *http.Request) {
	s := spanOf(r)
	ctx, cancel := context.WithTimeout(r.Context(), scarce)
	defer cancel()
	recent, err := p.search(ctx, &history.Query{Limit: recentRows})
	rates := p.o.Running.Rates(s.Step, s.Steps)
	v := &view{title: say("Overview"), content: &overview{
		top: p.o.Running.Top(topRows, topRows), span: s,
		charts:    []numbers{rateNumbers("class", &rates), rateNumbers("action", &rates), deviceNumbers(&rates)},
		latencies: p.o.Running.Latencies(), dates: p.o.Running.Dates(), recent: recent,
	}}
	if err != nil {
		v.wrong = "The history cannot be searched: " + reason(err)
	}
	p.show(w, r, http.StatusOK, "overview", v)
}

// overview is what the page shows.
type overview struct {
	top       admin.Snapshot
	span      span
	charts    []numbers
	latencies []admin.Latency
	dates     []Date
	recent    []policy.Decision
}

func (o *overview) body(*view) markup.Node {
	return markup.Group{
		el("p", attr("id", "live"), attr("class", "note"), on("hidden"), say("Renewed every five seconds. "),
			el("button", attr("type", "button"), attr("class", "quiet"), say("Pause"))),
		o.now(), o.rates(), o.where(), o.latest(), o.health(),
	}
}

// now is what the daemon does at this moment.
func (o *overview) now() markup.Node {
	failed := "figure"
	if o.top.Decisions.FailOpen > 0 {
		failed = "figure bad"
	}
	return el("div", attr("id", "now"), on("data-live"), el("ul", attr("class", "tiles"),
		tile("figure", markup.Number(o.top.Minute.Decisions), say(" decisions in the last minute")),
		tile("figure", markup.Number(o.top.Minute.Suspects), say(" of them suspects")),
		tile("figure", markup.Number(o.top.Decisions.Decisions), say(" decisions since "), brought(timeText(o.top.Since))),
		tile(failed, markup.Number(o.top.Decisions.FailOpen), say(" let through for own trouble")),
		tile("figure", brought(o.top.Mode), say(" is the mode")),
	), o.hidden())
}

// tile is a figure, and what it is.
func tile(class string, figure markup.Node, what ...markup.Node) markup.Node {
	return el("li", append([]markup.Node{el("span", markup.AttrOf("class", "", class), figure)}, what...)...)
}

func (o *overview) hidden() markup.Node {
	if !o.top.ClientHidden {
		return nil
	}
	return el("p", attr("class", "error"), el("strong", say("Warning:")),
		say(" Nearly all clients come from one private address: their own addresses are hidden from the MTA. The log says more."))
}

// where is from where suspects come.
func (o *overview) where() markup.Node {
	return el("div", attr("id", "where"), attr("class", "columns"), on("data-live"), o.networks(), o.asns(), o.campaigns())
}

func (o *overview) networks() markup.Node {
	var rows []markup.Node
	for _, n := range o.top.Networks {
		name := n.Network.String()
		rows = append(rows, markup.Row(el("a", markup.To("/decisions").Ask("client", name).Href(), brought(name)), markup.Count(n.Suspects), markup.Count(n.Flagged)))
	}
	return markup.Section("networks", "Networks", markup.TableOr(rows, markup.Nothing("No suspects within an hour."),
		"Most suspects within an hour", slices.Concat(markup.Heads("Network"), markup.Numbered("Suspects", "Flagged"))))
}

func (o *overview) asns() markup.Node {
	var rows []markup.Node
	for _, a := range o.top.ASNs {
		rows = append(rows, markup.Row(markup.Group{say("AS"), markup.Number(a.ASN)}, markup.Free(brought(a.Name)), markup.Count(a.Suspects), markup.Count(a.Flagged)))
	}
	none := el("p", attr("class", "nothing"), say("None known: they need a database of networks ("), el("code", say("[asn]")), say(")."))
	return markup.Section("asns", "Autonomous systems", markup.TableOr(rows, none,
		"Most suspects within an hour", slices.Concat(markup.Heads("AS", "Holder"), markup.Numbered("Suspects", "Flagged"))))
}

func (o *overview) campaigns() markup.Node {
	var rows []markup.Node
	for _, c := range o.top.Campaigns {
		rows = append(rows, markup.Row(brought(c.ID), markup.Count(c.Networks), markup.Count(c.Messages), markup.Cell(brought(timeText(c.Last)))))
	}
	return markup.Section("campaigns", "Campaigns", markup.TableOr(rows, markup.Nothing("None."),
		"That are on", slices.Concat(markup.Heads("Campaign"), markup.Numbered("Networks", "Messages"), markup.Heads("Last (UTC)"))))
}

func (o *overview) latest() markup.Node {
	found := markup.Nothing("None in the history.")
	if len(o.recent) > 0 {
		found = decisionRows(o.recent)
	}
	return markup.Section("recent", "Latest decisions", el("div", attr("id", "latest"), on("data-live"), found))
}

// health is how the daemon is.
func (o *overview) health() markup.Node {
	return el("div", attr("id", "health"), attr("class", "columns"), on("data-live"), o.sources(), o.times(), o.tables(), o.ages())
}

func (o *overview) sources() markup.Node {
	var rows []markup.Node
	for _, name := range slices.Sorted(maps.Keys(o.top.Sources)) {
		rows = append(rows, markup.Row(brought(name), markup.Free(brought(o.top.Sources[name]))))
	}
	return markup.Section("sources", "Sources of evidence", markup.TableOr(rows, markup.Nothing("None is switched on."), "", markup.Heads("Source", "State")))
}

func (o *overview) times() markup.Node {
	var rows []markup.Node
	for _, l := range o.latencies {
		rows = append(rows, markup.Row(brought(l.Source), markup.Count(l.Lookups), markup.Figure(brought(tookText(l.Half))), markup.Figure(brought(tookText(l.Nearly)))))
	}
	return markup.Section("latency", "Time of look-ups", markup.TableOr(rows, markup.Nothing("None yet."),
		"Since the start", slices.Concat(markup.Heads("Source"), markup.Numbered("Look-ups", "Half took", "95 % took"))))
}

func (o *overview) tables() markup.Node {
	var rows []markup.Node
	for _, t := range o.top.Tables {
		rows = append(rows, markup.Row(brought(t.Name), markup.Count(t.Entries), markup.Count(t.Lost)))
	}
	return markup.Section("tables", "Memory", markup.Table(nil, slices.Concat(markup.Heads("Table"), markup.Numbered("Entries", "Lost")), rows))
}

func (o *overview) ages() markup.Node {
	var rows []markup.Node
	for _, d := range o.dates {
		rows = append(rows, markup.Row(markup.Typed(d.What), markup.Cell(markup.Typed(d.When))))
	}
	return markup.Section("dates", "Program and data", markup.Table(nil, markup.Heads("What", "Version or date"), rows))
}
