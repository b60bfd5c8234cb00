package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dataplane/internal/required"
)

// buildDir is where the command is built; TestMain makes and removes it.
var buildDir string

// All tests here run in a network namespace of their own.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dataplane-test")
	if err != nil {
		panic(err)
	}
	buildDir = dir
	status := required.Main(m)
	os.RemoveAll(dir)
	os.Exit(status)
}

// binary builds the command once, with its profile, as users do. Everybody may execute it.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "dataplane")
	if out, err := exec.Command("go", "build", "-pgo=auto", "-o", path, ".").CombinedOutput(); err != nil {
		return "", errors.New(err.Error() + ": " + string(out))
	}
	return path, os.Chmod(buildDir, 0o755)
})

// command prepares the built command. It is killed when the test has ended or after a minute.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, args...)
}

// finish runs cmd to its end and returns its status and what it printed.
func finish(t *testing.T, cmd *exec.Cmd) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// server is `dataplane serve`, running.
type server struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready string
	out   *bufio.Reader
	errs  *bytes.Buffer
}

// serve starts it and waits for the line that says it is ready.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: command(t, append([]string{"serve"}, args...)...), errs: &bytes.Buffer{}}
	pipe, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.errs
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(pipe)
	s.ready, err = s.out.ReadString('\n')
	if err != nil || !strings.HasPrefix(s.ready, "dataplane: ready: ") {
		s.cmd.Process.Kill()
		t.Fatalf("%q, %v: %s", s.ready, err, s.errs)
	}
	return s
}

// stop sends a signal and wants everything given back.
func (s *server) stop(sig syscall.Signal) {
	s.t.Helper()
	s.cmd.Process.Signal(sig)
	last, _ := s.out.ReadString('\n')
	if err := s.cmd.Wait(); err != nil || s.errs.Len() > 0 {
		s.t.Errorf("%v: %s", err, s.errs)
	}
	if !strings.HasPrefix(last, "dataplane: stopped: ") || !strings.Contains(last, "buffers are back") {
		s.t.Errorf("last line: %q", last)
	}
}

// links lists the interfaces of this namespace.
func links(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/net/dev")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return strings.Join(names, " ")
}

// needTUN skips the test where there is no TAP to be had.
func needTUN(t *testing.T) {
	t.Helper()
	required.Namespace(t)
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		required.Skip(t, err.Error())
	}
	f.Close()
}
