package control

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func listen(t *testing.T, path string) *Server {
	t.Helper()
	s, err := Listen(path, map[string]Handler{
		"echo": func(c net.Conn) { io.Copy(c, c) },
		"hang": func(c net.Conn) { c.Read(make([]byte, 1)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestService(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "control.sock")
	s := listen(t, path)
	c, err := Dial(path, "echo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "line\nand more"); err != nil {
		t.Fatal(err)
	}
	c.(*net.UnixConn).CloseWrite()
	if b, err := io.ReadAll(c); string(b) != "line\nand more" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if _, err := Dial(path, "tea"); err == nil || !strings.Contains(err.Error(), "tea") {
		t.Errorf("no such service: %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st.Mode(), err)
	}
	if _, err := Listen(path, nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second one: %v", err)
	}
	if _, err := Dial(path, "hang"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // and does not wait for who hangs
		t.Error(err)
	}
	if _, err := Dial(path, "echo"); err == nil {
		t.Error("served after Close")
	}
}

// A file that a plane left behind, as it was killed, is replaced.
func TestStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	if err := listen(t, path).Close(); err != nil {
		t.Error(err)
	}
}

func TestDefaultPath(t *testing.T) {
	t.Setenv("DATAPLANE_CONTROL", "/x/y")
	if p := DefaultPath(); p != "/x/y" {
		t.Error(p)
	}
	t.Setenv("DATAPLANE_CONTROL", "")
	if p := DefaultPath(); !strings.HasSuffix(p, "/dataplane/control.sock") || !filepath.IsAbs(p) {
		t.Error(p)
	}
}
