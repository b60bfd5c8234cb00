package demo

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"dataplane/perf"
)

func TestWire(t *testing.T) {
	var out bytes.Buffer
	err := Run(t.Context(), Config{Out: &out, Wire: true, Time: 100 * time.Millisecond})
	if err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	for _, want := range []string{"200 OK", "Gbit/s", "requests/s, none failed", "p99", "│ UDP echo", "buffers  all"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, &out)
		}
	}
}

// Whenever it is interrupted, all is given back, and soon.
func TestInterrupted(t *testing.T) {
	for _, after := range []time.Duration{0, 30 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		defer cancel()
		var out bytes.Buffer
		begun := time.Now()
		err := Run(ctx, Config{Out: &out, Wire: true, Time: 2 * time.Second})
		if !errors.Is(err, ErrInterrupted) || strings.Contains(err.Error(), "leaked") {
			t.Errorf("after %v: %v", after, err)
		}
		if d := time.Since(begun); d > after+8*time.Second {
			t.Errorf("after %v it took %v to end", after, d)
		}
		if !strings.Contains(out.String(), "interrupted") {
			t.Errorf("after %v:\n%s", after, &out)
		}
	}
}

func TestThousands(t *testing.T) {
	for f, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(f); got != want {
			t.Errorf("%v: %s", f, got)
		}
	}
}

func TestBooks(t *testing.T) {
	s := &perf.Stat{RxFrames: 1003, Delivered: 1001}
	s.Drops[perf.DropEthType] = 2
	s.Events[perf.EvARPReplySent] = 4
	var out bytes.Buffer
	r := report{w: &out}
	r.books(s)
	for _, want := range []string{"1,003 received, 1,001 delivered, 2 dropped (eth-type 2)", "arp-reply-sent 4"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q: %s", want, &out)
		}
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	r := report{w: &out}
	r.result("a → b", "1")
	r.result("long name", "22 µs")
	out.Reset()
	r.table()
	want := "\n┌───────────┬───────┐\n│ a → b     │ 1     │\n│ long name │ 22 µs │\n└───────────┴───────┘\n"
	if out.String() != want {
		t.Errorf("\n%s", &out)
	}
}
