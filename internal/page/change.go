package page

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/iot-milter/iot-milter/internal/admin"
)

// What was done, by the word in the address: no text of the address is shown.
var doneTexts = map[string]string{
	"allowed": "The client is on the list: it is not judged any more.",
	"removed": "The client is off the list.",
	"forgot":  "What was remembered of these addresses is forgotten.",
}

// clients shows the list of clients that are not judged, and what is remembered of an
// address.
func (p *Page) clients(w http.ResponseWriter, r *http.Request) {
	p.showClients(w, r, http.StatusOK, "", r.URL.Query())
}

func (p *Page) showClients(w http.ResponseWriter, r *http.Request, status int, wrong string, typed url.Values) {
	data := &clients{allowed: p.o.Running.Allowed(), typed: typed}
	if s := strings.TrimSpace(typed.Get("prefix")); s != "" && wrong == "" {
		within, err := admin.ParsePrefix(s)
		switch {
		case err != nil:
			wrong, status = err.Error(), http.StatusBadRequest
		case within.IsSingleIP():
			if h, ok := p.o.Running.Host(within.Addr()); ok {
				data.host = &h
			}
		}
		if err == nil {
			found := p.o.Running.Hosts(within, someRows)
			data.hosts = &found
		}
	}
	v := &view{title: say("Clients"), wrong: wrong, content: data}
	if r.Method == http.MethodGet {
		v.done = doneTexts[typed.Get("done")]
	}
	p.show(w, r, status, "clients", v)
}

// allow puts a client onto the list.
func (p *Page) allow(w http.ResponseWriter, r *http.Request) {
	f := r.PostForm
	permit := admin.Permit{What: strings.TrimSpace(f.Get("what")), Note: f.Get("note"), For: strings.TrimSpace(f.Get("for")),
		FromID: strings.TrimSpace(f.Get("from_id"))}
	err := permit.Complete(r.Context(), p.o.Running, p.o.Now())
	var e admin.Allowed
	if err == nil {
		e, err = p.o.Running.Allow(permit)
	}
	if err != nil {
		p.showClients(w, r, statusOf(err), err.Error(), f)
		return
	}
	p.changed(r, "allow add", "what", e.What, "note", e.Note)
	done(w, r, "allowed")
}

// disallow takes one off it.
func (p *Page) disallow(w http.ResponseWriter, r *http.Request) {
	what := r.PostForm.Get("what")
	was, err := p.o.Running.Disallow(what)
	switch {
	case err != nil:
		p.showClients(w, r, statusOf(err), err.Error(), nil)
	case !was:
		p.showClients(w, r, http.StatusNotFound, "That client is not on the list.", nil)
	default:
		p.changed(r, "allow remove", "what", what)
		done(w, r, "removed")
	}
}

// forget drops what is remembered of addresses.
func (p *Page) forget(w http.ResponseWriter, r *http.Request) {
	within, err := admin.ParsePrefix(strings.TrimSpace(r.PostForm.Get("prefix")))
	if err != nil {
		p.showClients(w, r, http.StatusBadRequest, err.Error(), r.PostForm)
		return
	}
	entries, err := p.o.Running.Forget(within)
	p.changed(r, "forget", "prefix", within.String(), "entries", entries)
	if err != nil {
		p.showClients(w, r, statusOf(err), err.Error(), r.PostForm)
		return
	}
	done(w, r, "forgot")
}

func done(w http.ResponseWriter, r *http.Request, what string) {
	http.Redirect(w, r, "/clients?done="+what, http.StatusSeeOther)
}
