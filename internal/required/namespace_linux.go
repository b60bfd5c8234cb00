package required

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// nsEnv tells a test binary where it stands: "inside" a namespace of its own,
// or "outside: reason" when none could be had.
const nsEnv = "DATAPLANE_TEST_NETNS"

// Main runs the tests of a package in a private network namespace and
// returns the exit status; use it as
//
//	func TestMain(m *testing.M) { os.Exit(required.Main(m)) }
//
// The test binary starts itself once more with CLONE_NEWNET, so every thread of
// that process, and every program it starts, is inside, and the machine's own
// network is never touched. Where the user is not root a user namespace is made
// too. If neither can be had the tests run where they are, and those that call
// Namespace are skipped.
func Main(m *testing.M) int {
	if os.Getenv(nsEnv) != "" {
		return m.Run()
	}
	status, err := again()
	if err == nil {
		return status
	}
	os.Setenv(nsEnv, "outside: "+err.Error())
	return m.Run()
}

// Namespace skips the test when the process is not in a namespace of its own.
func Namespace(t testing.TB) {
	t.Helper()
	switch s := os.Getenv(nsEnv); {
	case s == "inside":
	case s == "":
		t.Fatal("required.Namespace without required.Main in TestMain")
	default:
		Skip(t, "no private network namespace: "+strings.TrimPrefix(s, "outside: "))
	}
}

// again runs this binary inside new namespaces. An error means that it did not start.
func again() (int, error) {
	// Pdeathsig is sent when the starting thread ends, so it must stay.
	runtime.LockOSThread()
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(exe, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), nsEnv+"=inside")
	cmd.SysProcAttr = attributes(os.Geteuid(), os.Getegid())
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("unshare: %w (run as root, or allow user namespaces)", err)
	}
	// The whole group gets an interrupt; let the child decide how to end.
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, unix.SIGINT, unix.SIGTERM, unix.SIGQUIT)
	go func() {
		for s := range sig {
			_ = cmd.Process.Signal(s)
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if code := exit.ExitCode(); code >= 0 {
			return code, nil
		}
		fmt.Fprintln(os.Stderr, "tests in the namespace:", err)
		return 2, nil
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests in the namespace:", err)
		return 2, nil
	}
	return 0, nil
}

func attributes(uid, gid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if uid != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return a
}
