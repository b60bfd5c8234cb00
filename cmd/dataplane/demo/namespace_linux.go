package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideEnv tells the process that it stands in the demo's namespace.
const insideEnv = "DATAPLANE_DEMO"

// errFailedInside is wrapped by an Exit: the demo ran, and said itself what went wrong.
var errFailedInside = errors.New("the demo failed")

// Exit is how the demo in the namespace ended.
type Exit struct{ Status int }

func (e *Exit) Error() string { return fmt.Sprintf("the demo ended with status %d", e.Status) }
func (e *Exit) Unwrap() error { return errFailedInside }

// enter reports whether the process is inside; if not it runs this program again,
// in a network namespace that lives as long as that process. An error that is no
// *Exit means that it did not start.
func enter(ctx context.Context) (inside bool, err error) {
	if os.Getenv(insideEnv) == "inside" {
		return true, nil
	}
	// The kernel sends Pdeathsig when the starting thread ends, so it must stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideEnv+"=inside")
	cmd.SysProcAttr = attributes(os.Geteuid(), os.Getegid())
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("%w (run as root, or allow user namespaces)", err)
	}
	// Ctrl-C reaches the terminal's process group, which the child is not in: so it
	// hears of it once, from here.
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(unix.SIGINT) })()
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
			return false, &Exit{128 + int(s.Signal())}
		}
		return false, &Exit{exit.ExitCode()}
	}
	return false, err
}

// attributes asks for a network namespace, and for one of users, in which we are
// root, where we are not.
func attributes(uid, gid int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Setpgid: true, Pdeathsig: unix.SIGKILL}
	if uid != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return a
}
