package required

import (
	"net"
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

// spy records what Skip did to a test.
type spy struct {
	testing.TB
	skipped, failed bool
}

func (s *spy) Helper()               {}
func (s *spy) Skip(...any)           { s.skipped = true; panic(s) }
func (s *spy) Fatalf(string, ...any) { s.failed = true; panic(s) }
func (s *spy) Fatal(...any)          { s.failed = true; panic(s) }

func run(f func(t testing.TB)) (s *spy) {
	s = &spy{}
	defer func() { recover() }()
	f(s)
	return s
}

func TestSkip(t *testing.T) {
	t.Setenv("CI", "")
	if s := run(func(t testing.TB) { Skip(t, "no reason") }); !s.skipped || s.failed {
		t.Errorf("on a laptop: %+v", s)
	}
	t.Setenv("CI", "true")
	if s := run(func(t testing.TB) { Skip(t, "no reason") }); s.skipped || !s.failed {
		t.Errorf("with CI=true: %+v", s)
	}
}

func TestNamespaceIsPrivate(t *testing.T) {
	Namespace(t)
	ifs, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifs {
		if i.Flags&net.FlagUp != 0 {
			t.Errorf("%s is up: this is not a fresh namespace", i.Name)
		}
	}
}

func TestNamespaceOutside(t *testing.T) {
	t.Setenv("CI", "")
	t.Setenv(nsEnv, "outside: no rights")
	if s := run(Namespace); !s.skipped {
		t.Errorf("outside: %+v", s)
	}
	t.Setenv(nsEnv, "")
	if s := run(Namespace); !s.failed {
		t.Errorf("without Main: %+v", s)
	}
}
