package perf

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/drops.md from the tables")

const dropsFile = "../docs/drops.md"

// constants returns the names of the constants of type typ declared in file.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		if id, ok := g.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); !ok || id.Name != typ {
			continue
		}
		for _, s := range g.Specs {
			names = append(names, s.(*ast.ValueSpec).Names[0].Name)
		}
	}
	return names[:len(names)-1] // without Num…
}

// TestVerdictTable compares the constants with the table: a name in kebab case
// that spells the constant, one sentence, nothing twice.
func TestVerdictTable(t *testing.T) {
	names := constants(t, "verdict.go", "Verdict")
	if len(names) != int(NumVerdicts) {
		t.Fatalf("%d constants, NumVerdicts is %d", len(names), NumVerdicts)
	}
	seen := map[string]bool{}
	for i, name := range names {
		v := Verdict(i)
		checkNamed(t, strings.TrimPrefix(name, "Drop"), v.String(), v.Doc(), seen)
		if drop := strings.HasPrefix(name, "Drop"); drop != v.IsDrop() {
			t.Errorf("%s: IsDrop is %v", name, v.IsDrop())
		}
		if loss := strings.HasPrefix(name, "Lost"); loss != v.IsLoss() {
			t.Errorf("%s: IsLoss is %v", name, v.IsLoss())
		}
	}
	if NumVerdicts.String() != "unknown" || NumVerdicts.Doc() != "" || NumVerdicts.IsLoss() {
		t.Error("a verdict out of range is not harmless")
	}
}

// TestEventTable does the same for the events.
func TestEventTable(t *testing.T) {
	names := constants(t, "event.go", "Event")
	if len(names) != int(NumEvents) {
		t.Fatalf("%d constants, NumEvents is %d", len(names), NumEvents)
	}
	seen := map[string]bool{}
	for i, name := range names {
		e := Event(i)
		checkNamed(t, strings.TrimPrefix(name, "Ev"), e.String(), e.Doc(), seen)
	}
	if NumEvents.String() != "unknown" || NumEvents.Doc() != "" {
		t.Error("an event out of range is not harmless")
	}
}

func checkNamed(t *testing.T, constant, name, doc string, seen map[string]bool) {
	t.Helper()
	if strings.ReplaceAll(name, "-", "") != strings.ToLower(constant) {
		t.Errorf("%s is called %q", constant, name)
	}
	if !strings.HasSuffix(doc, ".") || strings.Contains(doc, "\n") {
		t.Errorf("%s: doc %q is not one sentence", constant, doc)
	}
	if seen[name] || seen[doc] {
		t.Errorf("%s: name or doc used twice", constant)
	}
	seen[name], seen[doc] = true, true
}

// dropsDoc renders docs/drops.md.
func dropsDoc() []byte {
	var b bytes.Buffer
	b.WriteString("# Drops, losses and events\n\n" +
		"Every frame that dies has a name here, and `received = delivered + the sum of the drops` holds at any moment.\n" +
		"This page is written from the tables in `perf/verdict.go` and `perf/event.go`:\n" +
		"`go test ./perf -run TestDropsDoc -update`.\n")
	b.WriteString("\n## Drops of received frames\n\n| name | what happened |\n|---|---|\n")
	for v := range NumVerdicts {
		if v.IsDrop() {
			fmt.Fprintf(&b, "| `%s` | %s |\n", v, v.Doc())
		}
	}
	b.WriteString("\n## Losses of our own frames\n\n| name | what happened |\n|---|---|\n")
	for v := range NumVerdicts {
		if v.IsLoss() {
			fmt.Fprintf(&b, "| `%s` | %s |\n", v, v.Doc())
		}
	}
	b.WriteString("\n## Events\n\nThings worth counting that end no frame.\n\n| name | what is counted |\n|---|---|\n")
	for e := range NumEvents {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e, e.Doc())
	}
	return b.Bytes()
}

func TestDropsDoc(t *testing.T) {
	want := dropsDoc()
	if *update {
		if err := os.WriteFile(dropsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(dropsFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("docs/drops.md is stale (%v); run: go test ./perf -run TestDropsDoc -update", err)
	}
}
