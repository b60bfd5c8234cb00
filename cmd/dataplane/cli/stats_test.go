package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"dataplane/cmd/dataplane/config"
)

// The counters of a plane that is closed: what it sent, its drivers sent, too.
func TestStats(t *testing.T) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.AddFlags(f)
	if err := f.Parse([]string{"--driver", "wire", "--device", "stats:0", "--addr", "10.9.0.2/24", "--stats"}); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := cfg.Plan()
	if err != nil || !plan.Stats {
		t.Fatalf("%+v, %v", plan, err)
	}
	pl, err := plan.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := pl.Dial("udp", "127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	if _, err := c.Read(make([]byte, 1)); err == nil { // nobody is there
		t.Error("an answer of nobody")
	}
	if err := pl.Close(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := printStats(&b, pl); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(b.String(), "dataplane: stats: ")
	var got counters
	if err := json.Unmarshal([]byte(text), &got); !ok || err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("%v: %s", err, b.String())
	}
	if len(got.Ports) != 2 || len(got.Lcores) != 1 {
		t.Fatalf("%s", text)
	}
	lo, core := got.Ports[1], got.Lcores[0]
	if !lo.Loopback || lo.IPackets != 2 || lo.OPackets != 2 || got.Ports[0].Driver != "wire" {
		t.Errorf("%+v", got.Ports)
	}
	if core.RxFrames != 2 || core.Events["udp-sent"] != 1 || core.RxFrames != core.Delivered+core.Drops["udp-no-port"] {
		t.Errorf("%+v", core)
	}
}
