package dataplane_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rules is policy: "a b < c d" means that c and d may import a and b (and
// nothing else of this module). Changing a line is a design change: it wants
// a page in docs/decisions.
const rules = `
perf                                             < mbuf pmd lcore eth ip sock udp tcp inet api
perf                                             < pmd/wire pmd/loop pmd/fault pmd/pcap pmd/tap
internal/ring                                    < mbuf lcore sock udp tcp inet
internal/ring                                    < pmd/wire pmd/loop pmd/fault pmd/pcap pmd/tap
internal/timer                                   < eth ip udp tcp inet
mbuf                                             < pmd lcore eth ip sock udp tcp inet api
mbuf pmd                                         < pmd/wire pmd/loop pmd/fault pmd/pcap pmd/tap
mbuf                                             < pmd/vnet
pmd/vnet                                         < pmd/tap pmd/afpacket
mbuf pmd                                         < pmd/afxdp
pmd/afxdp                                        < cmd/dataplane examples internal/e2e
mbuf pmd                                         < pmd/afpacket
pmd/afpacket                                     < cmd/dataplane examples internal/e2e
pmd                                              < lcore eth ip udp tcp inet api
eth                                              < ip udp tcp inet api
ip sock                                          < udp tcp raw inet api
mbuf perf                                        < raw
raw                                              < inet
eth mbuf perf sock                               < packet
packet                                           < api
sock                                             < unix
unix                                             < api
api                                              < capture
capture                                          < cmd/dataplane examples internal/e2e
sock/options                                     < sock inet
eth ip perf sock                                 < netlink
netlink                                          < api
udp tcp                                          < inet
tcp inet lcore                                   < api
pmd/wire pmd/loop pmd/tap                        < api
perf mbuf pmd lcore api                          < cmd/dataplane examples internal/e2e
pmd/wire pmd/loop pmd/fault pmd/pcap pmd/tap     < cmd/dataplane examples internal/e2e
pmd/pci                                          < pmd/dpdk cmd/dataplane
mbuf pmd pmd/dpdk/internal/ccall                 < pmd/dpdk
pmd/dpdk                                         < cmd/dataplane examples internal/e2e
pmd pmd/dpdk                                     < pmd/dpdk/internal/tryopen
perf                                             < internal/latency
internal/latency                                 < cmd/dataplane
sock ip inet                                     < examples
perf mbuf sock ip inet api                       < sctp
perf api pmd/dpdk/cthread                          < internal/jitter
internal/jitter                                  < cmd/dataplane
`

// free packages hold tests and their tools: they may import anything.
var free = []string{"internal/wiretest", "internal/gen", "internal/required", "internal/e2e", "internal/nic", "internal/nic/guest", "internal/sim", "pmd/pmdtest"}

const module = "dataplane/"

// allowed reads rules: importer → what it may import.
func allowed() map[string][]string {
	m := make(map[string][]string)
	for line := range strings.Lines(rules) {
		lower, upper, ok := strings.Cut(line, "<")
		if !ok {
			continue
		}
		for _, u := range strings.Fields(upper) {
			m[u] = append(m[u], strings.Fields(lower)...)
		}
	}
	return m
}

// sources calls f with every Go file of the module that is not a test.
func sources(t *testing.T, f func(path string, fset *token.FileSet, file *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || path == "perf/bench" || d.Name() == "testdata") {
			return filepath.SkipDir // perf/bench is a module of its own
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err == nil {
			f(path, fset, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// group is the name by which rules know the package in dir: those below cmd
// and examples go by the upper folder.
func group(dir string) string {
	for _, g := range []string{"cmd/dataplane", "examples"} {
		if dir == g || strings.HasPrefix(dir, g+"/") {
			return g
		}
	}
	return dir
}

func TestImports(t *testing.T) {
	may := allowed()
	sources(t, func(path string, _ *token.FileSet, file *ast.File) {
		dir := filepath.ToSlash(filepath.Dir(path))
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			checkQuarantine(t, path, dir, name)
			dep, ours := strings.CutPrefix(name, module)
			from, to := group(dir), group(dep)
			if !ours || slices.Contains(free, from) || from == to {
				continue
			}
			if !slices.Contains(may[from], to) {
				t.Errorf("%s: %s must not import %s", path, from, to)
			}
		}
	})
}

// checkQuarantine keeps what is dangerous in files that say so.
func checkQuarantine(t *testing.T, path, dir, name string) {
	switch {
	case name == "unsafe" && !strings.HasSuffix(path, "_unsafe.go"):
		t.Errorf("%s: package unsafe belongs in a file named *_unsafe.go", path)
	case name == "C" && dir != "pmd/dpdk" && dir != "pmd/dpdk/internal/rawdpdk" && dir != "pmd/dpdk/cthread":
		t.Errorf("%s: cgo belongs in pmd/dpdk, or is what Go is measured against", path)
	case name == "golang.org/x/sys/unix" && !strings.HasSuffix(path, "_linux.go") && !strings.HasSuffix(path, "_unsafe.go"):
		t.Errorf("%s: system calls belong in a file named *_linux.go", path)
	}
}

// Limits of size: what grows beyond them wants cutting by direction or state.
const (
	maxFile = 400
	maxFunc = 60
)

func TestSizes(t *testing.T) {
	sources(t, func(path string, fset *token.FileSet, file *ast.File) {
		if n := fset.Position(file.FileEnd).Line; n > maxFile {
			t.Errorf("%s has %d lines, at most %d are allowed", path, n, maxFile)
		}
		for _, d := range file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunc {
				t.Errorf("%s: %s has %d lines, at most %d are allowed", path, fn.Name.Name, n, maxFunc)
			}
		}
	})
}
