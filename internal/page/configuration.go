package page

import (
	"net/http"

	"github.com/iot-milter/iot-milter/internal/page/markup"
)

func (p *Page) configuration(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusOK, "configuration", &view{title: say("Configuration"), content: configuration(p.o.Running.Configuration())})
}

// configuration is what holds now, as its file would say it.
type configuration string

func (c configuration) body(*view) markup.Node {
	return markup.Group{
		el("p", say("All of what holds now, defaults included. Secrets are not shown. It is changed in its file, and with "),
			el("code", say("iot-milter reload")), say(".")),
		el("pre", attr("class", "wide"), attr("role", "region"), attr("aria-label", "Configuration in force"), attr("tabindex", "0"), markup.Typed(string(c))),
	}
}
