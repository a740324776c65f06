package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/iot-milter/iot-milter/internal/page/markup"
	"github.com/iot-milter/iot-milter/policy"
)

// trace is all that is known of how a decision was made.
func trace(d *policy.Decision) markup.Node {
	return markup.Group{
		el("dl", attr("class", "facts"), whoAsked(d), whereAsked(d), judged(d)),
		probabilities(d.P),
		el("h3", say("Signals")), signals(d.Signals),
	}
}

// whoAsked is what the client is and says of itself.
func whoAsked(d *policy.Decision) markup.Group {
	facts := markup.Group{markup.Fact("Client", brought(d.Client))}
	if d.PTR != "" {
		facts = append(facts, markup.FreeFact("PTR name", brought(d.PTR), say(" ("), brought(cmp.Or(d.Iprev, "not checked")), say(")")))
	}
	facts = append(facts, markup.FreeFact("HELO", known(d.HELO)))
	if d.From != nil {
		facts = append(facts, markup.FreeFact("Sender", say("<"), brought(*d.From), say(">")))
	}
	if len(d.To) > 0 {
		facts = append(facts, markup.FreeFact("Domains of recipients", broughtAll(d.To)))
	}
	return facts
}

func broughtAll(all []string) markup.Node {
	var list markup.Group
	for i, s := range all {
		if i > 0 {
			list = append(list, say(", "))
		}
		list = append(list, brought(s))
	}
	return list
}

// whereAsked is when it was, and at which MTA.
func whereAsked(d *policy.Decision) markup.Group {
	var facts markup.Group
	if d.Time != nil {
		facts = append(facts, markup.Fact("Time", brought(timeText(*d.Time)), say(" UTC")))
	}
	if d.MTA != "" {
		mta := markup.Group{brought(d.MTA)}
		if d.QueueID != "" {
			mta = append(mta, say(", queue id "), brought(d.QueueID))
		}
		facts = append(facts, markup.Fact("MTA", mta))
	}
	return facts
}

// judged is the outcome.
func judged(d *policy.Decision) markup.Group {
	class, done := markup.Group{brought(d.Class)}, markup.Group{brought(d.Action), say(", in mode "), brought(d.Mode)}
	if d.Device != "" {
		class = append(class, say(", "), brought(d.Device), say(" "), brought(d.Vendor))
	}
	if d.Stage != "" {
		done = append(done, say(" at stage "), brought(d.Stage))
	}
	facts := markup.Group{
		markup.Fact("Class", class, say(", confidence "), brought(shareText(d.Confidence))),
		markup.Fact("Flag", flag(d.Flag)),
	}
	if d.Exempt != "" {
		facts = append(facts, markup.Fact("Exempt", brought(d.Exempt)))
	}
	facts = append(facts, markup.Fact("Verdict", brought(d.Verdict), say(" ("), brought(d.Reason), say(")")), markup.Fact("Done", done))
	if d.Took != "" {
		facts = append(facts, markup.Fact("Own work", brought(d.Took)))
	}
	return facts
}

// probabilities are those of the classes.
func probabilities(p map[string]float64) markup.Node {
	if len(p) == 0 {
		return nil
	}
	var rows []markup.Node
	for _, class := range slices.Sorted(maps.Keys(p)) {
		meter := el("meter", attr("min", "0"), attr("max", "1"), markup.AttrOf("value", "", fmt.Sprint(p[class])), markup.AttrOf("aria-label", "", class))
		rows = append(rows, markup.Row(brought(class), markup.Figure(meter, say(" "), brought(shareText(p[class])))))
	}
	return markup.Group{el("h3", say("Probabilities")),
		el("table", attr("class", "small"), el("thead", el("tr", slices.Concat(markup.Heads("Class"), markup.Numbered("Probability"))...)), el("tbody", rows...))}
}

func signals(all []policy.DecisionSignal) markup.Node {
	if len(all) == 0 {
		return el("p", say("No signal was found."))
	}
	var rows []markup.Node
	for i := range all {
		s := &all[i]
		rows = append(rows, markup.Row(brought(s.Name), markup.Cell(brought(s.Status)), markup.Cell(brought(s.Group)), markup.Cell(brought(s.Family)),
			markup.Figure(brought(weightText(s.Weight))), markup.Free(brought(s.Fact))))
	}
	heads := slices.Concat(markup.Heads("Signal", "Status", "Group", "Family"), markup.Numbered("Decibans"), markup.Heads("Fact"))
	return markup.Wide(attr("aria-label", "Table of signals"), markup.Table(nil, heads, rows))
}
