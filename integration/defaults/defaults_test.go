package defaults

import (
	"reflect"
	"testing"

	"github.com/iot-milter/iot-milter/conf"
	"github.com/iot-milter/iot-milter/internal/daemon"
	"github.com/iot-milter/iot-milter/policy"
)

// TestSettings: they are those that the daemon makes of the configuration.
func TestSettings(t *testing.T) {
	for mode := range policy.ModeEnforce + 1 {
		c := conf.Default()
		c.Mode = mode
		if got, want := Settings(&c), daemon.Settings(&c); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}
