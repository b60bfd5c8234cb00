package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain is also the process of a row that misbehaves.
func TestMain(m *testing.M) {
	if os.Getenv(stageVar) == "" {
		os.Exit(m.Run())
	}
	out := os.NewFile(resultFD, "result")
	switch os.Getenv(rowVar) {
	case "hangs":
		time.Sleep(time.Hour)
	case "hangs at the end":
		fmt.Fprint(out, `{"name": "x"}`)
		time.Sleep(time.Hour)
	case "fails":
		os.Exit(3)
	case "is cut short":
		fmt.Fprint(out, `{"name": "x"}{"nam`)
	case "works":
		fmt.Fprint(out, `{"name": "x"}{"name": "y"}`)
	}
	os.Exit(0)
}

// TestChild: whatever a row's process does, the run goes on, and says so.
func TestChild(t *testing.T) {
	before := patience
	defer func() { patience = before }()
	for name, want := range map[string]string{
		"hangs":            "it hung",
		"hangs at the end": "it hung",
		"fails":            "exit status 3",
		"is cut short":     "unexpected EOF",
		"is silent":        "no result",
		"works":            "",
	} {
		r := row{name: name, unit: "op", sides: []side{{name: "a"}}}
		if strings.HasPrefix(name, "hangs") {
			patience = 300 * time.Millisecond
		} else {
			patience = 20 * time.Second
		}
		res := child(r, time.Millisecond)
		if !strings.Contains(res.Error, want) || (want == "") != (res.Error == "") {
			t.Errorf("%s: %q, expected %q", name, res.Error, want)
		}
		if want == "" && res.Name != "y" {
			t.Errorf("what was told last counts, not %q", res.Name)
		}
	}
}

func TestChosen(t *testing.T) {
	for pick, want := range map[string]string{"4": "4a 4b", "4a": "4a", "1,16": "1 16", "^tcp-rr-100$": "4b", "zzz": "", "1b": ""} {
		var got []string
		for _, r := range (&options{pick: pick}).chosen() {
			got = append(got, r.num)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, expected %s", pick, got, want)
		}
	}
	for _, r := range (&options{quick: true}).chosen() {
		if err := r.check(); err != nil {
			t.Error(err)
		}
		if slices.ContainsFunc(r.sides, func(s side) bool { return s.extra }) {
			t.Errorf("%s has extra sides in a quick run", r.name)
		}
		if r.num == "" || r.rooted() {
			t.Errorf("%s is no row for a quick run", r.name)
		}
	}
}

// TestShares: a row that took too long comes off those after it.
func TestShares(t *testing.T) {
	o := options{total: 30 * time.Second}
	rows := []row{{}, {weight: 2}, {weight: 3}}
	for i, x := range []struct{ elapsed, want time.Duration }{{0, 5}, {10, 8}, {18, 12}} {
		if got := o.share(rows[i:], x.elapsed*time.Second); got != x.want*time.Second {
			t.Errorf("row %d: %v", i, got)
		}
	}
	if got := o.share(rows, time.Hour); got != leastShare {
		t.Errorf("with no time left: %v", got)
	}
	o.plan.row = time.Second
	if got := o.share(rows, 0); got != time.Second {
		t.Errorf("asked for a second: %v", got)
	}
}
