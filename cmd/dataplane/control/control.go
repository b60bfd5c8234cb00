// Package control is how a command talks to a plane that another process runs: by a
// socket of the kernel's in the file system, on which the plane offers services by name.
// A client says which one it wants, in a line; what follows is between the two.
//
// Server runs on goroutines of its own, one per client; Dial on the client's.
package control

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxLine = 256              // of a request, and of its answer
	patient = 10 * time.Second // how long one waits for a line
)

// Handler serves one client. It returns when that is done, or when c is closed, as the
// server closes. An error is logged by nobody: a client that is to know it is told.
type Handler func(c net.Conn)

// DefaultPath is where a plane listens if nobody says otherwise: DATAPLANE_CONTROL, or
// control.sock in a directory of the user's.
func DefaultPath() string {
	if p := os.Getenv("DATAPLANE_CONTROL"); p != "" {
		return p
	}
	dir := "/run"
	if os.Geteuid() != 0 {
		if dir = os.Getenv("XDG_RUNTIME_DIR"); dir == "" {
			return filepath.Join(os.TempDir(), fmt.Sprintf("dataplane-%d", os.Geteuid()), "control.sock")
		}
	}
	return filepath.Join(dir, "dataplane", "control.sock")
}

// Server offers services until Close.
type Server struct {
	l        net.Listener
	services map[string]Handler

	mu     sync.Mutex
	conns  map[net.Conn]bool // open; nil: closed
	served sync.WaitGroup
}

// Listen offers services at path, to this user only. A file that nobody listens at any
// more is replaced. An error that is EADDRINUSE means that another plane is there.
func Listen(path string, services map[string]Handler) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if err := trusted(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close() //nolint:errcheck // only to see whether somebody answers
		return nil, fmt.Errorf("control: %s: %w", path, syscall.EADDRINUSE)
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("control: %w", err)
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("control: %w", err), l.Close())
	}
	s := &Server{l: l, services: services, conns: map[net.Conn]bool{}}
	s.served.Add(1)
	go s.accept()
	return s, nil
}

// Path is where the server listens.
func (s *Server) Path() string { return s.l.Addr().String() }

func (s *Server) accept() {
	defer s.served.Done()
	for {
		c, err := s.l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many files, above all
			time.Sleep(10 * time.Millisecond)
			continue
		}
		s.mu.Lock()
		open := s.conns != nil
		if open {
			s.conns[c] = true
			s.served.Add(1)
		}
		s.mu.Unlock()
		if !open {
			c.Close() //nolint:errcheck // the server is closed
			return
		}
		go s.serve(c)
	}
}

// serve is the goroutine of one client.
func (s *Server) serve(c net.Conn) {
	defer s.served.Done()
	defer func() {
		c.Close() //nolint:errcheck // the client is served
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	c.SetDeadline(time.Now().Add(patient)) //nolint:errcheck // a socket has deadlines
	name, err := readLine(c)
	if err != nil {
		return
	}
	h := s.services[name]
	if h == nil {
		fmt.Fprintf(c, "this plane has no service %q\n", name)
		return
	}
	if _, err := io.WriteString(c, "ok\n"); err != nil {
		return
	}
	c.SetDeadline(time.Time{}) //nolint:errcheck // as above
	h(c)
}

// Close ends the service of all clients, and takes the file away.
func (s *Server) Close() error {
	err := s.l.Close()
	s.mu.Lock()
	for c := range s.conns {
		c.Close() //nolint:errcheck // whoever serves it sees that
	}
	s.conns = nil
	s.mu.Unlock()
	s.served.Wait()
	return err
}

// trusted returns an error if somebody else than this user and root can put a socket into dir:
// anybody can make a directory in /tmp, or a symbolic link, of whatever name.
func trusted(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && info.Mode()&os.ModeSymlink != 0 { // its mode says nothing, its owner where it leads
		if err = ownedWell(dir, info); err == nil {
			info, err = os.Stat(dir)
		}
	}
	if err != nil {
		return err
	}
	if err := ownedWell(dir, info); err != nil {
		return err
	}
	if info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0 {
		return fmt.Errorf("everybody may write to %s; chmod it, or set DATAPLANE_CONTROL to another path: %w", dir, syscall.EPERM)
	}
	return nil
}

// ownedWell returns an error if dir is somebody else's than this user's and root's.
func ownedWell(dir string, info os.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(st.Uid) != os.Geteuid() && st.Uid != 0 {
		return fmt.Errorf("%s belongs to user %d; remove it, or set DATAPLANE_CONTROL to a path of your own: %w", dir, st.Uid, syscall.EPERM)
	}
	return nil
}

// Dial connects to a service of the plane that listens at path.
func Dial(path, service string) (net.Conn, error) {
	err := trusted(filepath.Dir(path))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	c, err := net.Dial("unix", path)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("no plane listens at %s (`dataplane serve` does): %w", path, err)
	case err != nil:
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patient)) //nolint:errcheck // a socket has deadlines
	answer, err := "", error(nil)
	if _, err = fmt.Fprintf(c, "%s\n", service); err == nil {
		answer, err = readLine(c)
	}
	if err == nil && answer != "ok" {
		err = errors.New(answer)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, c.SetDeadline(time.Time{})
}

// readLine reads a line, and nothing behind it.
func readLine(r io.Reader) (string, error) {
	var line strings.Builder
	for b := make([]byte, 1); line.Len() < maxLine; {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return line.String(), nil
		}
		line.WriteByte(b[0])
	}
	return "", errors.New("the line is too long")
}
