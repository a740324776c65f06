package page

import (
	"strconv"
	"time"

	"github.com/iot-milter/iot-milter/internal/page/markup"
)

// rates are the charts, each beside its numbers.
func (o *overview) rates() markup.Node {
	var choices, figures []markup.Node
	for _, s := range spans {
		link := []markup.Node{markup.To("/").Ask("span", s.Name).Href(), brought(s.Text)}
		if s.Name == o.span.Name {
			link = append(link, attr("aria-current", "true"))
		}
		choices = append(choices, el("li", el("a", link...)))
	}
	for i := range o.charts {
		figures = append(figures, o.figure(&o.charts[i]))
	}
	return markup.Section("rates", "Rates",
		el("nav", attr("aria-label", "Time span"), el("ul", append(choices, attr("class", "choice"))...)),
		el("div", append(figures, attr("id", "charts"), attr("class", "charts"), on("data-live"))...))
}

func (o *overview) figure(n *numbers) markup.Node {
	caption := el("figcaption", markup.AttrOf("id", "chart-", n.Name), brought(n.Title), say(", "), brought(o.span.Text))
	if n.Empty {
		return el("figure", caption, markup.Nothing("Nothing to show yet."))
	}
	return el("figure", caption, o.picture(n), n.details())
}

// picture is drawn anew when what is shown is renewed: "at" changes then.
func (o *overview) picture(n *numbers) markup.Node {
	chart := markup.To("/chart/").Part(n.Name+".svg").Ask("span", o.span.Name)
	at := strconv.FormatInt(o.top.Time.Unix()/int64(liveStep/time.Second), 10)
	dark, narrow := chart.Ask("theme", "dark"), chart.Ask("width", "narrow")
	return el("picture",
		el("source", attr("media", "(max-width: 600px) and (prefers-color-scheme: dark)"), dark.Ask("width", "narrow").Ask("at", at).SrcSet()),
		el("source", attr("media", "(max-width: 600px)"), narrow.Ask("at", at).SrcSet()),
		el("source", attr("media", "(prefers-color-scheme: dark)"), dark.Ask("at", at).SrcSet()),
		el("img", chart.Ask("at", at).Src(), markup.AttrOf("alt", "", n.Title+": the numbers are in the table below"), attr("width", "720"), attr("height", "260")))
}

// details are the numbers, for who cannot see the picture or wants them exactly.
func (n *numbers) details() markup.Node {
	heads := []markup.Node{el("th", attr("scope", "col"), brought(n.First))}
	for _, word := range n.Series {
		heads = append(heads, markup.NumberHead(brought(word)))
	}
	var rows []markup.Node
	for i, label := range n.Labels {
		var cells []markup.Node
		for j := range n.Series {
			cells = append(cells, markup.Figure(brought(n.cell(i, j))))
		}
		rows = append(rows, markup.Row(brought(label), cells...))
	}
	return el("details", el("summary", say("Numbers"), markup.Unseen(say(" of "), brought(n.Title))),
		markup.Wide(markup.AttrOf("aria-label", "Numbers of ", n.Title), markup.Table(nil, heads, rows)))
}
