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

// A directory that is somebody else's, or everybody's, is not believed.
func TestDirectoryOfOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dataplane")
	path := filepath.Join(dir, "control.sock")
	s := listen(t, path)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	refused := func(why string) {
		t.Helper()
		if _, err := Dial(path, "echo"); !errors.Is(err, syscall.EPERM) {
			t.Errorf("%s: a client got %v", why, err)
		}
		if _, err := Listen(filepath.Join(dir, "other.sock"), nil); !errors.Is(err, syscall.EPERM) {
			t.Errorf("%s: a server got %v", why, err)
		}
	}
	refused("everybody may write")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if os.Geteuid() != 0 {
		return // only root gives directories away
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	refused("it is another user's")
}

// A symbolic link is believed as what it leads to, if who made it is: /var/run is one.
func TestDirectoryByLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "run")
	real := filepath.Join(dir, "real")
	if err := errors.Join(os.Mkdir(real, 0o700), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(link, "control.sock")
	s := listen(t, path)
	if _, err := Dial(path, "nobody"); errors.Is(err, syscall.EPERM) {
		t.Error(err)
	}
	if err := errors.Join(s.Close(), os.Chmod(real, 0o777)); err != nil {
		t.Error(err)
	}
	refused := func(why string) {
		t.Helper()
		if _, err := Listen(path, nil); !errors.Is(err, syscall.EPERM) {
			t.Errorf("%s: a server got %v", why, err)
		}
	}
	refused("everybody may write")
	if os.Geteuid() != 0 {
		return // only root gives links away
	}
	if err := errors.Join(os.Chmod(real, 0o700), os.Lchown(link, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	refused("another user's link")
}

func TestDefaultPath(t *testing.T) {
	t.Setenv("DATAPLANE_CONTROL", "/x/y")
	if p := DefaultPath(); p != "/x/y" {
		t.Error(p)
	}
	t.Setenv("DATAPLANE_CONTROL", "")
	if p := DefaultPath(); !filepath.IsAbs(p) || filepath.Base(p) != "control.sock" || !strings.HasPrefix(filepath.Base(filepath.Dir(p)), "dataplane") {
		t.Error(p)
	}
}
