package page

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/iot-milter/iot-milter/internal/page/markup"
	"github.com/iot-milter/iot-milter/internal/replay"
	"github.com/iot-milter/iot-milter/policy"
)

// explain shows how a client would be judged. It changes nothing, so reading is enough.
func (p *Page) explain(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm // nil before the form is sent
	data := &explanation{asked: form}
	v, status := &view{title: say("Explain"), content: data}, http.StatusOK
	if form != nil {
		q := replay.Question{Client: strings.TrimSpace(form.Get("client")), PTR: strings.TrimSpace(form.Get("ptr")), Iprev: form.Get("iprev"),
			Stack: strings.TrimSpace(form.Get("stack"))}
		q.HELO, q.From = given(form, "helo"), given(form, "from")
		err := q.Check()
		if text := form.Get("headers"); err == nil && strings.TrimSpace(text) != "" {
			q.Headers = new(policy.Headers)
			err = replay.ReadHeaders(strings.NewReader(text), q.Headers)
		}
		if err != nil {
			v.wrong, status = err.Error(), http.StatusBadRequest
		} else if data.decision, data.verdict, err = p.o.Running.Explain(r.Context(), &q); err != nil {
			v.wrong, status = err.Error(), http.StatusInternalServerError
		}
	}
	p.show(w, r, status, "explain", v)
}

// given is nil where nothing was typed.
func given(form url.Values, key string) *string {
	if s := strings.TrimSpace(form.Get(key)); s != "" {
		return &s
	}
	return nil
}

// explanation is what the page shows.
type explanation struct {
	asked    url.Values
	decision *policy.Decision // nil where none was made
	verdict  policy.Verdict
}

func (e *explanation) body(v *view) markup.Node {
	return markup.Group{
		el("p", say("How would a client be judged that says this? Nothing is looked up, and nothing is changed. What is left empty is unknown, which is no evidence.")),
		e.form(v), e.answer(),
	}
}

func (e *explanation) form(v *view) markup.Node {
	return markup.Send("/explain", v.token, attr("class", "search"),
		markup.Field("Client's address (required)", "client", "64", e.asked, on("required")),
		markup.Field("PTR name", "ptr", "255", e.asked),
		markup.Choice("Confirmation of the name", "iprev", "as usual", []string{"pass", "fail", "permerror", "temperror"}, e.asked),
		markup.Field("HELO", "helo", "512", e.asked),
		markup.Field("Sender (<> is the null sender)", "from", "320", e.asked),
		markup.Field("TCP stack (ws=3,mss=1452,ts=1,sack=1)", "stack", "64", e.asked),
		el("p", attr("class", "whole"), el("label", attr("for", "headers"), say("Header of the message")),
			el("textarea", attr("id", "headers"), attr("name", "headers"), attr("rows", "6"), attr("maxlength", "32768"), markup.Typed(e.asked.Get("headers")))),
		markup.Buttons(markup.Button(say("Explain"))))
}

func (e *explanation) answer() markup.Node {
	if e.decision == nil {
		return nil
	}
	var told []markup.Node
	if e.verdict.Reply != "" {
		told = append(told, markup.FreeFact("Reply", brought(e.verdict.Reply)))
	}
	if e.verdict.Mark != "" {
		told = append(told, markup.Fact("Header", el("pre", say("X-IoT-Spam: "), markup.Typed(strings.ReplaceAll(e.verdict.Mark, "\n", "\n\t")))))
	}
	return markup.Group{markup.Section("answer", "Answer", trace(e.decision)),
		el("h3", say("What the MTA would be told")), el("dl", append(told, attr("class", "facts"))...)}
}
