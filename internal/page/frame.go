package page

import "github.com/iot-milter/iot-milter/internal/page/markup"

// What the pages are written with. That of others goes through brought: the rest takes
// what stands in the source alone.
var (
	el      = markup.El
	attr    = markup.Attr
	on      = markup.On
	say     = markup.Say
	brought = markup.Brought
)

// content is what differs from page to page.
type content interface{ body(*view) markup.Node }

// view is what a page is rendered of.
type view struct {
	title       markup.Node
	here        string
	who         string // who asks
	mayChange   bool
	leaves      bool   // whether there is a session to end
	token       string // for forms
	wrong, done string
	content     content
}

func (v *view) document() markup.Node {
	return markup.Document(el("head",
		el("meta", attr("charset", "utf-8")),
		el("meta", attr("name", "viewport"), attr("content", "width=device-width, initial-scale=1")),
		el("meta", attr("name", "color-scheme"), attr("content", "light dark")),
		el("title", v.title, say(" · iot-milter")),
		el("link", attr("rel", "icon"), markup.To("/page.svg").Href(), attr("type", "image/svg+xml")),
		el("link", attr("rel", "stylesheet"), markup.To("/page.css").Href()),
		v.script(),
	), el("body",
		el("a", attr("class", "skip"), attr("href", "#main"), say("Skip to the content")),
		el("header", el("p", attr("class", "name"), say("iot-milter")), v.menu()),
		el("main", attr("id", "main"), attr("tabindex", "-1"), el("h1", v.title), v.outcome(), v.content.body(v)),
	))
}

// script is for those who are logged in: others cannot have it.
func (v *view) script() markup.Node {
	if v.here == "login" {
		return nil
	}
	return el("script", markup.To("/page.js").Src(), on("defer"))
}

// menu leads to the other pages, and says who asks.
func (v *view) menu() markup.Node {
	if v.who == "" {
		return nil
	}
	may := say(", reads")
	if v.mayChange {
		may = say(", may change")
	}
	return markup.Group{el("nav", attr("aria-label", "Pages"), el("ul",
		v.link(markup.To("/"), "overview", say("Overview")),
		v.link(markup.To("/decisions"), "decisions", say("Decisions")),
		v.link(markup.To("/explain"), "explain", say("Explain")),
		v.link(markup.To("/clients"), "clients", say("Clients")),
		v.link(markup.To("/configuration"), "configuration", say("Configuration")),
	)), el("p", attr("class", "who"), brought(v.who), may), v.logout()}
}

func (v *view) link(to markup.Address, name string, text markup.Node) markup.Node {
	if name == v.here {
		return el("li", el("a", to.Href(), attr("aria-current", "page"), text))
	}
	return el("li", el("a", to.Href(), text))
}

func (v *view) logout() markup.Node {
	if !v.leaves {
		return nil
	}
	return markup.Send("/logout", v.token, el("button", attr("class", "quiet"), say("Log out")))
}

// outcome is what became of what was asked for.
func (v *view) outcome() markup.Node {
	var all markup.Group
	if v.wrong != "" {
		all = append(all, el("p", attr("class", "error"), attr("role", "alert"), el("strong", say("Error:")), say(" "), brought(v.wrong)))
	}
	if v.done != "" {
		all = append(all, el("p", attr("class", "done"), attr("role", "status"), brought(v.done)))
	}
	return all
}

// loginForm is all of the page before one is logged in.
type loginForm struct{}

func (loginForm) body(*view) markup.Node {
	return el("form", attr("method", "post"), attr("action", "/login"), attr("class", "line"),
		el("p", el("label", attr("for", "password"), say("Password")),
			el("input", attr("id", "password"), attr("name", "password"), attr("type", "password"), on("required"), attr("maxlength", "1024"),
				attr("autocomplete", "current-password"))),
		markup.Buttons(markup.Button(say("Log in"))))
}

// refusal leads back.
type refusal struct{}

func (refusal) body(*view) markup.Node {
	return el("p", el("a", markup.To("/").Href(), say("Back to the overview")))
}
