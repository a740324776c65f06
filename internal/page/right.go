package page

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/iot-milter/iot-milter/internal/admin"
)

// caller is who asks, and what he may.
type caller struct {
	name      string // for people
	key       string // whose the tokens of his forms are
	mayChange bool
	session   bool
	log       []any // who he is, for the log
}

type callerKey struct{}

func callerOf(ctx context.Context) *caller {
	if c, ok := ctx.Value(callerKey{}).(*caller); ok {
		return c
	}
	return new(caller)
}

func with(r *http.Request, c *caller) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
}

// knownUser is for the control socket: the kernel says who is at its other end.
func (p *Page) knownUser(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		uid := admin.User(r.Context())
		next.ServeHTTP(w, with(r, &caller{
			name: "user " + strconv.Itoa(uid), key: "uid " + strconv.Itoa(uid), mayChange: p.o.MayChange(uid), log: []any{"uid", uid},
		}))
	})
}

// token is what the forms of a caller carry: no page of another site can know it. The
// standard library's CrossOriginProtection goes by what the browser says of itself; this
// holds where a browser says nothing.
func (p *Page) token(c *caller) string {
	mac := hmac.New(sha256.New, p.secret[:])
	mac.Write([]byte(c.key))
	return hex.EncodeToString(mac.Sum(nil))
}

// fromForm lets through what was sent by a form of ours, and, where it changes
// something, by who may.
func (p *Page) fromForm(changes bool, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callerOf(r.Context())
		if err := r.ParseForm(); err != nil {
			p.refuse(w, r, http.StatusBadRequest, "the form cannot be read: is it too long?")
			return
		}
		if !hmac.Equal([]byte(r.PostForm.Get("token")), []byte(p.token(c))) {
			p.refuse(w, r, http.StatusForbidden, "this form is not of this session: go back, load the page anew, and try again")
			return
		}
		if changes && !c.mayChange {
			p.refuse(w, r, http.StatusForbidden, "you may read, and change nothing")
			return
		}
		next(w, r)
	})
}

// refuse says no in a page.
func (p *Page) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	p.show(w, r, status, "refused", &view{title: brought(http.StatusText(status)), wrong: why, content: refusal{}})
}

// changed logs who changed what.
func (p *Page) changed(r *http.Request, what string, args ...any) {
	p.o.Log.Info("control", append(append([]any{"does", what}, callerOf(r.Context()).log...), args...)...)
}
