package tcp

import (
	"strings"
	"testing"
)

func TestConfigCheck(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, ""},
		{Config{Congestion: "newreno", PortMin: 5, PortMax: 5}, ""},
		{Config{Congestion: "hope"}, "hope"},
		{Config{PortMin: 9, PortMax: 8}, "9 to 8"},
	} {
		c.cfg.defaults()
		err := c.cfg.check()
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %d-%d: %v", c.cfg.Congestion, c.cfg.PortMin, c.cfg.PortMax, err)
		}
	}
}
