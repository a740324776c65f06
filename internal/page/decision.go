package page

import (
	"context"
	"net/http"
	"strconv"

	"github.com/iot-milter/iot-milter/internal/history"
	"github.com/iot-milter/iot-milter/internal/page/markup"
	"github.com/iot-milter/iot-milter/policy"
)

// decision shows the full trace of one.
func (p *Page) decision(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), searchTime)
	defer cancel()
	found, err := p.search(ctx, &history.Query{ID: r.PathValue("id"), Limit: someRows})
	switch {
	case err != nil:
		p.refuse(w, r, statusOf(err), reason(err))
	case len(found) == 0:
		p.refuse(w, r, http.StatusNotFound, "No decision of that id is in the history.")
	default:
		p.show(w, r, http.StatusOK, "decision", &view{title: markup.Group{say("Decision "), brought(found[0].ID)}, content: traces(found)})
	}
}

// traces are those of the decisions of one id: there is one for each message.
type traces []policy.Decision

func (t traces) body(v *view) markup.Node {
	var all markup.Group
	for i := range t {
		nth := strconv.Itoa(i)
		all = append(all, el("section", markup.AttrOf("aria-labelledby", "d", nth),
			el("h2", markup.AttrOf("id", "d", nth), brought(t[i].ID)),
			trace(&t[i]), allowForm(v, &t[i], nth), others(&t[i])))
	}
	return all
}

// allowForm takes the client of a decision off judgement.
func allowForm(v *view, d *policy.Decision, nth string) markup.Node {
	if !v.mayChange || d.Client == "" {
		return nil
	}
	return markup.Group{el("h3", say("Judge this client no more")),
		markup.Send("/allow", v.token, attr("class", "line"), markup.Hidden("from_id", d.ID),
			markup.FieldOf("Note", "note", "200", nth),
			markup.FieldOf("For (30d; nothing is for ever)", "for", "20", nth),
			markup.Buttons(markup.Button(say("Allow "), brought(d.Client))))}
}

// others are what else is known of the client.
func others(d *policy.Decision) markup.Node {
	if d.Client == "" {
		return nil
	}
	return el("p", el("a", markup.To("/decisions").Ask("client", d.Client).Href(), say("Other decisions on this client")), say(" · "),
		el("a", markup.To("/clients").Ask("prefix", d.Client).Href(), say("What is remembered of it")))
}
