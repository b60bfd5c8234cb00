package posix

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"dataplane/api"
	"dataplane/lcore"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write docs/conformance-posix.md")

const page = "../../docs/conformance-posix.md"

// program is one run of the cases on one side, over one family.
type program struct {
	testing.TB
	family
	u      calls
	lines  []string
	open   []int
	moment time.Duration // which lets what is on its way arrive
}

// settle lets what is on its way arrive, and others come to wait.
func (p *program) settle(moments time.Duration) { time.Sleep(moments * p.moment) }

// say writes down one outcome.
func (p *program) say(format string, a ...any) { p.lines = append(p.lines, fmt.Sprintf(format, a...)) }

// err writes down an errno by its name.
func (p *program) err(what string, err error) {
	p.Helper()
	var e unix.Errno
	switch {
	case err == nil:
		p.say("%s", what)
	case errors.As(err, &e):
		p.say("%s: %s", what, unix.ErrnoName(e))
	default:
		p.Errorf("%s: %v is no errno", what, err)
	}
}

// n writes down a number and an errno.
func (p *program) n(what string, n int, err error) {
	p.Helper()
	if err != nil {
		p.err(what, err)
		return
	}
	p.say("%s: %d", what, n)
}

// keep closes fd at the end of the case.
func (p *program) keep(fd int, err error) int {
	p.Helper()
	if err != nil {
		p.Fatalf("after %v: %v", p.lines, err)
	}
	p.open = append(p.open, fd)
	return fd
}

func (p *program) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("after %v: %v", p.lines, err)
	}
}

// wait waits until fd is ready for something.
func (p *program) wait(fd int, events int16) int16 {
	p.Helper()
	f := []unix.PollFd{{Fd: int32(fd), Events: events}}
	for {
		_, err := p.u.Poll(f, 10000)
		if err != unix.EINTR {
			p.must(err)
			return f[0].Revents
		}
	}
}

// run runs one case.
func (p *program) run(c testCase, moment time.Duration) []string {
	p.lines, p.open, p.moment = nil, nil, moment
	c.f(p)
	for _, fd := range slices.Backward(p.open) {
		p.u.Close(fd)
	}
	return p.lines
}

// A testCase is one part of the program, and over which families it runs.
type testCase struct {
	name string
	over int
	f    func(p *program)
}

// A part is the cases of one file, and why an outcome of the plane differs there:
// case/outcome.
type part struct {
	cases   []testCase
	reasons map[string]string
}

// parts are the program. A file of cases has its line here.
var parts = []part{
	{callCases, callReasons},
	{readyCases, nil},
	{dissolveCases, dissolveReasons},
	{meetCases, meetReasons},
	{corkCases, nil},
	{nestCases, nil},
	{spliceCases, nil},
	{urgentCases, nil},
	{packetCases, packetReasons},
	{controlCases, controlReasons},
	{mmsgCases, nil},
	{unixCases, nil},
	{rawCases, rawReasons},
	{pingCases, pingReasons},
	{cornerCases, nil},
	{netlinkCases, netlinkReasons},
	{routeCases, routeReasons},
	{linkCases, nil},
}

// TestConformance runs the program on the kernel and on a plane. What differs must be
// what the page says.
func TestConformance(t *testing.T) {
	namespace(t)
	n, err := api.Open(api.Config{Mode: lcore.Shared, Ports: []api.Port{links(t)}})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	outcomes := make([]result, len(families))
	for i, f := range families { // one after the other: the process has one table of descriptors
		t.Run(f.name, func(t *testing.T) {
			k := &program{TB: t, family: f, u: kernel{}}
			outcomes[i] = runAll(k, &program{TB: t, family: f, u: n.Posix()}, 1<<i)
		})
	}
	if !t.Failed() {
		checkReasons(t, outcomes)
		comparePage(t, page, document(outcomes))
	}
}

// checkReasons finds reasons for what does not differ any more.
func checkReasons(t *testing.T, outcomes []result) {
	t.Helper()
	for _, part := range parts {
		for key := range part.reasons {
			used := func(d difference) bool { return d.name+"/"+d.plane == key }
			if !slices.ContainsFunc(outcomes, func(r result) bool { return slices.ContainsFunc(r.diffs, used) }) {
				differs(t, page)("a reason for what is as in Linux: %s", key)
			}
		}
	}
}

// result is what came out over one family.
type result struct {
	lines, differ map[string]int // of each case
	diffs         []difference
}

type difference struct{ name, kernel, plane, why string }

// runAll runs all cases that are for one family.
func runAll(k, u *program, family int) result {
	r := result{lines: make(map[string]int), differ: make(map[string]int)}
	for _, part := range parts {
		for _, c := range part.cases {
			if c.over&family == 0 {
				continue
			}
			lines, diffs := compare(k, u, c, part.reasons)
			r.lines[c.name], r.differ[c.name] = lines, len(diffs)
			r.diffs = append(r.diffs, diffs...)
		}
	}
	return r
}

// compare runs one case on both sides, and returns how many outcomes it has and which
// differ. On a busy machine things may come later than the case waits for: what differs
// without a reason is tried again with longer moments.
func compare(k, u *program, c testCase, reasons map[string]string) (lines int, diffs []difference) {
	for _, moment := range []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, time.Second} {
		want, got := k.run(c, moment), u.run(c, moment)
		lines, diffs = len(want), nil
		var unknown []difference
		for i := range max(len(want), len(got)) {
			d := difference{name: c.name, kernel: at(want, i), plane: at(got, i)}
			if d.kernel == d.plane {
				continue
			}
			why, known := reasons[c.name+"/"+d.plane]
			if d.why = why; !known {
				unknown = append(unknown, d)
			}
			diffs = append(diffs, d)
		}
		if unknown == nil {
			return lines, diffs
		}
		say := k.Logf
		if moment == time.Second {
			say = differs(k.TB, page)
		}
		for _, d := range unknown {
			say("%s: the kernel: %q, the plane: %q", d.name, d.kernel, d.plane)
		}
	}
	return lines, diffs
}

func at(l []string, i int) string {
	if i < len(l) {
		return l[i]
	}
	return "nothing"
}
