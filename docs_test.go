package dataplane_test

import (
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the documents say of the code is checked here, as far as a machine can:
// that links lead somewhere, that the functions of the packet walk exist, where
// it says, and are called by those before them, and that the example is a
// program which is built.

// markdown calls f with every Markdown file of the module.
func markdown(t *testing.T, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".md"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err == nil {
			f(filepath.ToSlash(path), string(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var (
	fenced   = regexp.MustCompile("(?ms)^```.*?^```")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notInTag = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// anchors are the names that the headings of a document can be linked by.
func anchors(text string) map[string]bool {
	tags := make(map[string]bool)
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		tags[strings.ReplaceAll(notInTag.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	return tags
}

func TestDocsLinks(t *testing.T) {
	markdown(t, func(file, text string) {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to, tag, _ := strings.Cut(m[1], "#")
			target := file
			if to != "" {
				target = path.Join(path.Dir(file), to)
			}
			b, err := os.ReadFile(target)
			if info, serr := os.Stat(target); serr == nil && info.IsDir() {
				continue
			}
			if err != nil {
				t.Errorf("%s: the link to %s leads nowhere", file, m[1])
			} else if tag != "" && !anchors(string(b))[tag] {
				t.Errorf("%s: %s has no heading %q", file, target, tag)
			}
		}
	})
}

// declared is a function of the module.
type declared struct {
	file  string
	calls map[string]bool // names in its body; of a table's initial value, too
}

// declarations returns every function by its name in the walk, pkg.Func or
// pkg.(*Type).Func, and the names in the initial values of each package's
// variables.
func declarations(t *testing.T) (funcs map[string]declared, tables map[string]map[string]bool) {
	t.Helper()
	funcs, tables = make(map[string]declared), make(map[string]map[string]bool)
	sources(t, func(path string, _ *token.FileSet, file *ast.File) {
		pkg := file.Name.Name
		if tables[pkg] == nil {
			tables[pkg] = make(map[string]bool)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				calls := make(map[string]bool)
				if d.Body != nil { // else it is in assembly
					mentions(d.Body, calls)
				}
				funcs[pkg+"."+receiver(d)+d.Name.Name] = declared{filepath.ToSlash(path), calls}
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					mentions(d, tables[pkg])
				}
			}
		}
	})
	return funcs, tables
}

// mentions gathers the identifiers in n.
func mentions(n ast.Node, into map[string]bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			into[id.Name] = true
		}
		return true
	})
}

// receiver is "(*Type)." or "Type.", without type parameters, or nothing.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || d.Body == nil {
		return ""
	}
	typ, form := d.Recv.List[0].Type, "%."
	if p, ok := typ.(*ast.StarExpr); ok {
		typ, form = p.X, "(*%)."
	}
	if g, ok := typ.(*ast.IndexExpr); ok {
		typ = g.X
	}
	id, ok := typ.(*ast.Ident)
	if !ok {
		return ""
	}
	return strings.Replace(form, "%", id.Name, 1)
}

var (
	// A step of the walk: "- `pkg.(*Type).Func` [file.go](../dir/file.go): what it does."
	walkStep = regexp.MustCompile("^- `([a-z0-9]+\\.[^`]+)` \\[([^]]+)\\]\\(\\.\\./([^)]+)\\): (.+)\\.$")
	walkName = regexp.MustCompile("`([a-z0-9]+\\.(?:\\(\\*[A-Za-z]+\\)\\.|[A-Za-z]+\\.)?[A-Za-z0-9]+)`")
)

// TestPacketWalk: every function is named once, exists in the file it is said
// to be in, and is called by one named before it, unless it begins a section.
func TestPacketWalk(t *testing.T) {
	const file = "docs/packet-walk.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	funcs, tables := declarations(t)
	seen, called := make(map[string]int), make(map[string]bool)
	first := false
	for i, line := range strings.Split(string(b), "\n") {
		at := i + 1
		if strings.HasPrefix(line, "#") {
			first = true
		}
		for _, m := range walkName.FindAllStringSubmatch(line, -1) {
			if pkg, _, _ := strings.Cut(m[1], "."); tables[pkg] == nil {
				continue // somebody else's
			}
			if seen[m[1]] != 0 {
				t.Errorf("%s:%d: %s is named in line %d already", file, at, m[1], seen[m[1]])
			}
			seen[m[1]] = at
		}
		if !strings.HasPrefix(line, "- ") {
			continue
		}
		m := walkStep.FindStringSubmatch(line)
		if m == nil || strings.Contains(m[4], ". ") {
			t.Errorf("%s:%d: not one step of the walk in one sentence: %s", file, at, line)
			continue
		}
		name, short, full := m[1], m[2], m[3]
		d, ok := funcs[name]
		switch {
		case !ok:
			t.Errorf("%s:%d: there is no function %s", file, at, name)
			continue
		case d.file != full || short != full:
			t.Errorf("%s:%d: %s is in %s, not in %s", file, at, name, d.file, full)
		}
		pkg, _, _ := strings.Cut(name, ".")
		if own := name[strings.LastIndex(name, ".")+1:]; !first && !called[own] && !tables[pkg][own] {
			t.Errorf("%s:%d: no function before it calls %s", file, at, name)
		}
		first = false
		for c := range d.calls {
			called[c] = true
		}
	}
	if len(seen) < 100 {
		t.Errorf("%s: only %d functions", file, len(seen))
	}
}

// walkBrief is a function in the two screens at the beginning of the walk.
var walkBrief = regexp.MustCompile(`\b[a-z0-9]+\.\(\*[A-Za-z]+\)\.[A-Za-z0-9]+`)

// TestPacketWalkInShort: the screens name what the walk explains, and are no longer
// than a screen.
func TestPacketWalkInShort(t *testing.T) {
	b, err := os.ReadFile("docs/packet-walk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "```\n")
	brief, whole, _ := strings.Cut(rest, "```\n")
	screens := strings.Split(brief, "\n\n")
	if len(screens) != 2 {
		t.Fatalf("%d screens, want one for each direction", len(screens))
	}
	for _, screen := range screens {
		if n := strings.Count(screen, "\n"); n < 15 || n > 40 {
			t.Errorf("a screen of %d lines", n)
		}
		for _, name := range walkBrief.FindAllString(screen, -1) {
			if !strings.Contains(whole, "- `"+name+"` ") {
				t.Errorf("the walk does not explain %s", name)
			}
		}
	}
}

// TestReadmeExample: the example in README.md is the program in examples/http.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	shown, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("README.md shows no Go program")
	}
	program, err := os.ReadFile("examples/http/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(shown) != strings.TrimSpace(string(program)) {
		t.Error("README.md shows another program than examples/http/main.go")
	}
}
