package page

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/iot-milter/iot-milter/internal/admin"
	"github.com/iot-milter/iot-milter/internal/page/markup"
	"github.com/iot-milter/iot-milter/policy"
)

// decisions searches them by the keys of the commands.
func (p *Page) decisions(w http.ResponseWriter, r *http.Request) {
	asked := r.URL.Query()
	for key, value := range asked {
		if len(value) == 0 || strings.TrimSpace(value[0]) == "" {
			delete(asked, key)
			continue
		}
		asked.Set(key, strings.TrimSpace(value[0]))
	}
	data := &decisions{asked: asked}
	v, status := &view{title: say("Decisions"), content: data}, http.StatusOK
	q, err := admin.ParseQuery(asked, p.o.Now())
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), searchTime)
		defer cancel()
		q.Limit = someRows
		data.found, err = p.search(ctx, &q)
	}
	if err != nil {
		v.wrong, status = reason(err), statusOf(err)
	}
	if n := len(data.found); n == someRows && data.found[n-1].Time != nil {
		older := url.Values{}
		for key := range asked {
			older.Set(key, asked.Get(key))
		}
		older.Set("until", data.found[n-1].Time.Format(time.RFC3339Nano))
		data.older = markup.To("/decisions").AskAll(older)
	}
	p.show(w, r, status, "decisions", v)
}

// decisions is what the page shows.
type decisions struct {
	asked url.Values
	found []policy.Decision
	older markup.Address
}

func (d *decisions) body(*view) markup.Node {
	return markup.Group{d.form(), el("h2", say("Found")), el("div", attr("id", "found"), on("data-live"), d.result())}
}

func (d *decisions) form() markup.Node {
	return el("form", attr("method", "get"), attr("action", "/decisions"), attr("class", "search"), attr("role", "search"),
		markup.Field("Id", "id", "255", d.asked),
		markup.Field("Queue id", "qid", "255", d.asked),
		markup.Field("Client or network", "client", "255", d.asked),
		markup.Field("Domain of a recipient", "to", "255", d.asked),
		markup.Field("Sender or its domain", "from", "255", d.asked),
		markup.Field("Reason", "reason", "255", d.asked),
		markup.Choice("Action", "action", "any", wordsOf("action"), d.asked),
		markup.Choice("Class", "class", "any", wordsOf("class"), d.asked),
		markup.Choice("Device", "device", "any", wordsOf("device"), d.asked),
		markup.Choice("Flag", "flag", "any", wordsOf("flag"), d.asked),
		markup.Field("Since (2h, 3d, or a time)", "since", "64", d.asked),
		markup.Field("Until", "until", "64", d.asked),
		markup.Buttons(markup.Button(say("Search")), say(" "), el("a", markup.To("/decisions").Href(), say("Show all"))))
}

func wordsOf(key string) []string {
	return slices.DeleteFunc(slices.Clone(policy.Words(key)), func(s string) bool { return s == "" })
}

func (d *decisions) result() markup.Node {
	switch {
	case len(d.found) == 0 && len(d.asked) > 0:
		return markup.Nothing("No decision meets all of that.")
	case len(d.found) == 0:
		return markup.Nothing("No decision is in the history.")
	case d.older.None():
		return decisionRows(d.found)
	}
	return markup.Group{decisionRows(d.found), el("p", el("a", d.older.Href(), say("Older ones")))}
}

// decisionRows are a table; its roles are spelt out, since small screens show it as a
// list, and browsers would then no longer call it a table.
func decisionRows(found []policy.Decision) markup.Node {
	head, row := attr("role", "columnheader"), attr("role", "row")
	var heads, rows []markup.Node
	for _, name := range [...]markup.Node{say("Time (UTC)"), say("Client"), say("PTR name"), say("HELO"), say("Class"), say("Flag"), say("Action"), say("Reason")} {
		heads = append(heads, el("th", head, attr("scope", "col"), name))
	}
	for i := range found {
		rows = append(rows, decisionRow(&found[i]))
	}
	return markup.Wide(attr("aria-label", "Table of decisions"), el("table", attr("class", "rows"), attr("role", "table"),
		el("thead", attr("role", "rowgroup"), el("tr", append(heads, row)...)),
		el("tbody", append(rows, attr("role", "rowgroup"))...)))
}

func decisionRow(d *policy.Decision) markup.Node {
	role, free := attr("role", "cell"), attr("class", "free")
	when := say("trace")
	if d.Time != nil {
		when = brought(timeText(*d.Time))
	}
	class := markup.Group{brought(d.Class)}
	if d.Device != "" {
		class = append(class, say(" ("), brought(d.Device), say(")"))
	}
	return el("tr", attr("role", "row"),
		el("td", role, el("a", markup.To("/decisions/").Part(d.ID).Href(), when, markup.Unseen(say(" trace of "), brought(d.ID)))),
		el("td", role, attr("data-name", "Client"), brought(d.Client)),
		el("td", role, attr("data-name", "PTR name"), free, brought(d.PTR)),
		el("td", role, attr("data-name", "HELO"), free, known(d.HELO)),
		el("td", role, attr("data-name", "Class"), class),
		el("td", role, attr("data-name", "Flag"), flag(d.Flag)),
		el("td", role, attr("data-name", "Action"), brought(d.Action)),
		el("td", role, attr("data-name", "Reason"), brought(cmp.Or(d.Exempt, d.Reason))))
}

// flag has a colour, too.
func flag(word string) markup.Node {
	return el("span", markup.AttrOf("class", "flag ", word), brought(word))
}

// known is a text that mail need not have brought.
func known(s *string) markup.Node {
	if s == nil {
		return say("unknown")
	}
	return brought(*s)
}
