package mtascript

import (
	"strings"
	"testing"
)

func names(hs []Header) string {
	var out []string
	for _, h := range hs {
		n := h.Name
		if h.Own {
			n += "*"
		}
		out = append(out, n)
	}
	return strings.Join(out, " ")
}

func values(hs []Header) string {
	var out []string
	for _, h := range hs {
		if !h.Own {
			out = append(out, h.Value)
		}
	}
	return strings.Join(out, " ")
}

func TestApply(t *testing.T) {
	ins := func(i uint32) Edit { return Edit{ReplyInsHeader, i, "X", "new"} }
	chg := func(i uint32, n, v string) Edit { return Edit{ReplyChgHeader, i, n, v} }
	add := func(n, v string) Edit { return Edit{Code: ReplyAddHeader, Name: n, Value: v} }
	in := []Header{{Name: "Received", Value: "r1"}, {Name: "X", Value: "x1"}, {Name: "Date", Value: "d"}, {Name: "x", Value: "x2"}}
	cases := []struct {
		name              string
		edits             []Edit
		postfix, sendmail string
	}{
		{"none", nil, "r1 x1 d x2", "r1 x1 d x2"},
		{"insert 0", []Edit{ins(0)}, "new r1 x1 d x2", "new r1 x1 d x2"},
		{"insert 1", []Edit{ins(1)}, "new r1 x1 d x2", "new r1 x1 d x2"},
		{"insert 2", []Edit{ins(2)}, "r1 new x1 d x2", "new r1 x1 d x2"},
		{"insert 9", []Edit{ins(9)}, "r1 x1 d x2 new", "r1 new x1 d x2"},
		{"insert far", []Edit{ins(1 << 30)}, "r1 x1 d x2 new", "r1 x1 d x2 new"},
		{"add", []Edit{add("X", "new")}, "r1 x1 d x2 new", "r1 new x1 d x2"},
		{"add unknown", []Edit{add("Y", "new")}, "r1 x1 d x2 new", "r1 x1 d x2 new"},
		{"add default", []Edit{add("From", "new")}, "r1 x1 d x2 new", "new r1 x1 d x2"},
		{"change 2", []Edit{chg(2, "X", "new")}, "r1 x1 d new", "r1 x1 d new"},
		{"change 0", []Edit{chg(0, "X", "new")}, "r1 new d x2", "r1 new d x2"},
		{"change not the own Received", []Edit{chg(1, "Received", "new")}, "new x1 d x2", "new x1 d x2"},
		{"change none", []Edit{chg(3, "X", "new")}, "r1 x1 d x2 new", "r1 new x1 d x2"},
		{"delete none", []Edit{chg(3, "X", "")}, "r1 x1 d x2", "r1 x1 d x2"},
		{"delete down", []Edit{chg(2, "X", ""), chg(1, "X", "")}, "r1 d", "r1 d"},
		{"delete up", []Edit{chg(1, "X", ""), chg(2, "X", "")}, "r1 d x2", "r1 d"},
		{"delete the first twice", []Edit{chg(1, "X", ""), chg(1, "X", "")}, "r1 d", "r1 d x2"},
		{"insert counts for change", []Edit{ins(0), chg(1, "X", "")}, "r1 x1 d x2", "r1 x1 d x2"},
	}
	for _, tc := range cases {
		if got := values(Apply(Postfix, tc.edits, in)); got != tc.postfix {
			t.Errorf("%s: Postfix %s, want %s", tc.name, got, tc.postfix)
		}
		if got := values(Apply(Sendmail, tc.edits, in)); got != tc.sendmail {
			t.Errorf("%s: Sendmail %s, want %s", tc.name, got, tc.sendmail)
		}
	}
	for _, mta := range []MTA{Postfix, Sendmail} {
		if got := names(Apply(mta, []Edit{ins(0)}, in)); !strings.HasPrefix(got, "X Received* ") {
			t.Errorf("%v insert 0: %s", mta, got)
		}
		if got := names(Apply(mta, []Edit{ins(1)}, in)); !strings.HasPrefix(got, "Received* X ") {
			t.Errorf("%v insert 1: %s", mta, got)
		}
	}
	if in[0].Own || in[1].Value != "x1" {
		t.Error("Apply changed its input")
	}
}
