package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"dataplane/api"
	"dataplane/internal/required"
	"dataplane/lcore"
	"dataplane/perf"
)

const (
	device   = "e2e0"
	planeIP  = "10.9.0.2"
	kernelIP = "10.9.0.1"
	subnet   = "/24"
)

func TestMain(m *testing.M) { os.Exit(required.Main(m)) }

// loopUp brings up the namespace's own loopback: kernel programs talk to kernel
// servers there, as a measure for the plane.
var loopUp = sync.OnceValue(func() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
})

// bed is a plane on a TAP; the kernel is at the other end.
type bed struct {
	testing.TB
	plane *api.Net
}

// ways are the ways to run a plane that behaviour must not depend on.
var ways = []struct {
	name string
	set  func(*api.Config)
}{
	{"shared", func(c *api.Config) { c.Mode = lcore.Shared }},
	{"locked", func(c *api.Config) { c.Mode = lcore.Locked }},
	{"two lcores one queue", func(c *api.Config) { c.Mode = lcore.Shared; c.Lcores = []int{-1, -1} }},
	{"two lcores two queues", func(c *api.Config) {
		c.Mode = lcore.Shared
		c.Lcores = []int{-1, -1}
		c.Ports[0].Queues = 2
	}},
	{"two locked lcores", func(c *api.Config) {
		c.Mode = lcore.Locked
		c.Lcores = []int{-1, -1}
		c.Ports[0].Queues = 2
	}},
}

// newBed opens a plane on a fresh TAP. At the end of the test it is closed and
// accounted for: every buffer home, every received frame delivered or dropped by
// name, no goroutine left.
func newBed(t testing.TB, change ...func(*api.Config)) *bed {
	t.Helper()
	required.Namespace(t)
	if err := loopUp(); err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{Ports: []api.Port{{
		Driver: "tap", Device: device,
		Addrs:   []netip.Prefix{netip.MustParsePrefix(planeIP + subnet)},
		Options: map[string]string{"host-addr": kernelIP + subnet},
	}}}
	for _, f := range change {
		f(&cfg)
	}
	goroutines := runtime.NumGoroutine()
	n, err := api.Open(cfg)
	if err != nil {
		if errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist) {
			required.Skip(t, err.Error())
		}
		t.Fatal(err)
	}
	b := &bed{TB: t, plane: n}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error("close: ", err)
		}
		b.account()
		b.goneTo(goroutines)
	})
	return b
}

// account checks that every frame received was delivered or dropped by name.
func (b *bed) account() {
	b.Helper()
	for i, s := range b.plane.Stats() {
		sum := s.Delivered
		var drops []string
		for v, n := range s.Drops {
			sum += n
			if n > 0 {
				drops = append(drops, perf.Verdict(v).String())
			}
		}
		if s.RxFrames != sum {
			b.Errorf("lcore %d received %d frames; delivered and dropped are %d (drops: %v)", i, s.RxFrames, sum, drops)
		}
	}
}

// goneTo waits until no more goroutines run than before the plane was opened.
func (b *bed) goneTo(before int) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	buf := make([]byte, 1<<20)
	b.Errorf("%d goroutines, %d before the plane was opened\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

// dropped names what the plane dropped, and lost, so far.
func (b *bed) dropped() string {
	n := make(map[perf.Verdict]uint64)
	for _, s := range b.plane.Stats() {
		for v := range s.Drops {
			if k := s.Drops[v] + s.Lost[v]; k > 0 {
				n[perf.Verdict(v)] += k
			}
		}
	}
	return fmt.Sprint(n)
}

// events sums an event over the lcores.
func (b *bed) events(e perf.Event) (n uint64) {
	for _, s := range b.plane.Stats() {
		n += s.Events[e]
	}
	return n
}

// quiet waits until no more than base buffers are in use.
func (b *bed) quiet(base int) {
	b.Helper()
	used, total := 0, 0
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if used, total = b.plane.Buffers(); used <= base {
			return
		}
	}
	b.Errorf("%d of %d buffers in use, %d before", used, total, base)
}

// tool runs a program to its end and returns what it printed. It fails the test
// if the program fails or takes too long, and skips it if there is no such program.
func tool(t testing.TB, limit time.Duration, name string, args ...string) string {
	t.Helper()
	out, err := try(t, limit, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// try is tool for a program that may fail.
func try(t testing.TB, limit time.Duration, name string, args ...string) (string, error) {
	t.Helper()
	path := find(t, name)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		err = errors.Join(errors.New("took longer than "+limit.String()), err)
	}
	return string(out), err
}

// find returns the path of a program, or skips the test.
func find(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name
		}
	}
	required.Skip(t, "no "+name+" on this machine")
	return ""
}
