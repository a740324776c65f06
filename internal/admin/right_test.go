package admin_test

import (
	"net/http"
	"os/user"
	"strings"
	"testing"

	"github.com/iot-milter/iot-milter/internal/admin"
)

// TestSafety19ReadOnly: who may not change things may read all of it.
func TestSafety19ReadOnly(t *testing.T) {
	f := &fake{readOnly: true}
	client := over(serve(t, f))
	for request, want := range map[string]int{
		"GET /v1/top": 200, "GET /v1/allow": 200, "GET /v1/campaigns": 200, "POST /v1/allow": 403, "DELETE /v1/allow?what=here": 403,
		"DELETE /v1/hosts?prefix=203.0.113.7": 403, "POST /v1/reload": 403, "DELETE /v1/history?until=now": 403,
	} {
		method, path, _ := strings.Cut(request, " ")
		r, _ := http.NewRequest(method, "http://localhost"+path, nil)
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != want {
			t.Errorf("%s: %d", request, got.StatusCode)
		}
	}
}

func TestInGroup(t *testing.T) {
	me, err := user.LookupId("0")
	if err != nil {
		t.Fatal(err)
	}
	group, err := user.LookupGroupId(me.Gid)
	if err != nil {
		t.Fatal(err)
	}
	if !admin.InGroup(0, group.Name) {
		t.Errorf("user 0 is not in group %s", group.Name)
	}
	if admin.InGroup(0, "no-such-group") || admin.InGroup(-1, group.Name) || admin.InGroup(54321, group.Name) {
		t.Error("a stranger is a member")
	}
}
