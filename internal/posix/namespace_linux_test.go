package posix

import (
	"os"
	"testing"

	"dataplane/internal/required"

	"golang.org/x/sys/unix"
)

// TestMain runs the tests in a namespace. Go's scheduler must not interrupt the kernel's
// calls by its signals there: they would end with EINTR.
func TestMain(m *testing.M) {
	os.Setenv("GODEBUG", "asyncpreemptoff=1")
	os.Exit(required.Main(m))
}

// namespace makes of the process's network namespace what the cases need of the kernel:
// a loopback that is up, and ping sockets for everybody.
func namespace(t *testing.T) {
	t.Helper()
	required.Namespace(t)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
	stampAlways(t)
	if err := os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 0"), 0); err != nil {
		t.Fatal(err)
	}
}

// stampAlways keeps the kernel noting when packets come: it begins, and ends, some time
// after a socket asks for it.
func stampAlways(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMP, 1); err != nil {
		t.Fatal(err)
	}
}
