package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/iot-milter/iot-milter/milter/mtascript"
)

// varied is a header that has nothing in common with others of its template: the order
// of the fields, the mailer, the subject, and fields of its own differ from message to
// message.
func varied(list []mtascript.Header, m *mail) []mtascript.Header {
	r := rand.New(rand.NewPCG(m.seed, 3))
	word := func() string { return words[r.IntN(len(words))] }
	var out []mtascript.Header
	for _, h := range list {
		switch h.Name {
		case "X-Mailer":
			continue
		case "Subject":
			h.Value = word() + " " + word() + " " + word()
		}
		out = append(out, h)
	}
	out = append(out, mtascript.Header{Name: "X-Mailer", Value: word() + " " + word()},
		mtascript.Header{Name: "X-" + word() + "-" + word(), Value: word()})
	first := 0
	if out[0].Name == "Received" {
		first = 1
	}
	r.Shuffle(len(out)-first, func(a, b int) { out[first+a], out[first+b] = out[first+b], out[first+a] })
	return out
}

// body is what a message says, where the scene has bodies: the burst's advertise a
// domain of the template, in HTML; the fleet's boxes link to a maker that no list
// knows; all others to their own site and to one that everybody knows.
func (sc *scene) body(e *event, m *mail) []byte {
	if !sc.vary {
		return nil
	}
	r := rand.New(rand.NewPCG(m.seed, 4))
	text := strings.Repeat("<p>"+words[r.IntN(len(words))]+"</p>\r\n", 1+r.IntN(20))
	switch {
	case e.host.group.bad():
		text += fmt.Sprintf("<a href=\"http://%s%d.pills%d.example/?%x\">", words[r.IntN(len(words))], r.IntN(100), m.template, r.Uint32())
	case e.host.group == groupFleet:
		text += "https://www.maker.example/help"
	default:
		_, own, _ := strings.Cut(m.from, "@")
		text += "https://www." + own + "/ https://www.google.com/maps"
	}
	return []byte(text + "\r\n")
}
