package e2e

import (
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dataplane/api"
	"dataplane/perf"
)

// flood is a program of thc-ipv6 that sends as fast as it can until it is ended, and the
// counters that say what became of it.
type flood struct {
	args  string // D is the device, A the plane's address
	ends  []perf.Verdict
	event perf.Event
}

// floodFrames is how many frames of each kind come at least.
const floodFrames = 3000

var floods = []flood{
	{args: "atk6-flood_advertise6 D A", ends: []perf.Verdict{perf.Delivered}},
	{args: "atk6-flood_solicitate6 D A", ends: []perf.Verdict{perf.DropIPNotOurs}, event: perf.EvNDAdvertSent},
	{args: "atk6-flood_router26 -s D", ends: []perf.Verdict{perf.DropNDLimit}},
	{args: "atk6-flood_redir6 D A", ends: []perf.Verdict{perf.DropNDBad, perf.DropIPLinkBroadcast}},
	{args: "atk6-flood_mld26 D", ends: []perf.Verdict{perf.Delivered, perf.DropIPNotOurs, perf.DropMLDBad}},
	{args: "atk6-flood_unreach6 -p D A", ends: []perf.Verdict{perf.DropICMPStale}},
	{args: "atk6-thcsyn6 -R D A 7", event: perf.EvTCPCookieSent},
	{args: "atk6-thcsyn6 -S D A x", ends: []perf.Verdict{perf.DropTCPNoPort}},
	{args: "atk6-denial6 D A 2", ends: []perf.Verdict{perf.DropIPExtension}},
	{args: "frag6 -i D -d A -F 4000 -l -z 1", ends: []perf.Verdict{perf.DropFragLimit, perf.DropFragBad}},
}

// TestFloods6: whatever thc-ipv6 floods the link with, the plane goes on serving, names
// what it dropped, and needs no more memory afterwards.
func TestFloods6(t *testing.T) {
	find(t, "atk6-denial6")
	atOnce(t)
	b := newBed6(t, func(c *api.Config) { c.Ports[0].SLAAC, c.Ports[0].Private = true, true })
	serveTCP(t, b.plane.Listen, ":7", echo)
	at := "[" + planeIP6 + "]:7"
	c, err := net.Dial("tcp", at)
	must(t, err)
	defer c.Close()
	used, total := b.plane.Buffers()
	memory := heap()
	for _, f := range floods {
		before, told := b.received(), f.told(b)
		f.run(t, b, before)
		soon(t, c)
		roundTrip(t, c, 3000)
		eventually(t, f.args+" is counted", func() bool { return f.told(b) > told+100 })
	}
	one, err := net.DialTimeout("tcp", at, 10*time.Second)
	must(t, err)
	soon(t, one)
	roundTrip(t, one, 100000)
	one.Close()
	ping6(t, b, "-c 2 -i 0.05 -s 4000 "+planeIP6)
	if now := heap(); now > memory+16<<20 {
		t.Errorf("the heap grew from %d to %d bytes", memory, now)
	}
	if now, _ := b.plane.Buffers(); now > used+total/4 {
		t.Errorf("%d of %d buffers are in use, %d before", now, total, used)
	}
}

// run floods until the plane has received floodFrames frames.
func (f *flood) run(t *testing.T, b *bed, before uint64) {
	t.Helper()
	args := strings.Fields(f.args)
	for i := range args {
		switch args[i] {
		case "D":
			args[i] = device
		case "A":
			args[i] = planeIP6
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, find(t, args[0]), args[1:]...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	must(t, cmd.Start())
	for ctx.Err() == nil && b.received() < before+floodFrames {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	cmd.Wait() //nolint:errcheck // it was ended
	t.Logf("%s: %d frames in %v", f.args, b.received()-before, time.Since(start).Round(time.Millisecond))
	if n := b.received() - before; n < floodFrames {
		t.Errorf("%s: only %d frames came\n%.500s", f.args, n, out.String())
	}
}

// told is what the counters tell of the flood.
func (f *flood) told(b *bed) (n uint64) {
	for _, s := range b.plane.Stats() {
		for _, v := range f.ends {
			if n += s.Drops[v]; v == perf.Delivered {
				n += s.Delivered
			}
		}
		if f.event != 0 {
			n += s.Events[f.event]
		}
	}
	return n
}

// TestImplementation6: what thc-ipv6 gets to hear of odd packets is what the kernel says
// (asked by hand, in all 59 cases), but for what docs/testing.md names.
func TestImplementation6(t *testing.T) {
	find(t, "atk6-implementation6")
	atOnce(t)
	newBed6(t)
	reply, field, next, option := "we got a reply", "[4:0]", "[4:1]", "[4:2]"
	for _, c := range []struct{ number, what, want string }{
		{"1", "hop-by-hop ignore option", reply},
		{"3", "2 hop-by-hop headers", next},
		{"7", "2 destination headers", reply},
		{"11", "correct fragmentation", reply},
		{"12", "one-shot fragmentation", reply},
		{"18", "source-routing (done)", reply},
		{"19", "source-routing (todo)", field},
		{"20", "unauth mobile source-route", field},
		{"23", "fragmentation source-route (todo)", field},
		{"26", "fragmentation hop-by-hop source-route", next},
		{"27", "fragmentation destination source-route", reply},
		{"30", "mobile prefix solicitation", option},
		{"32", "ping6 with a zero AH extension header", next},
		{"41", "direct neighbor solicitation", reply},
		{"49", "error option in hop-by-hop", option},
		{"50", "error option in dsthdr", option},
		{"56", "ping with hop count 0", reply},
	} {
		out, _ := try(t, 20*time.Second, "atk6-implementation6", "-p", device, planeIP6, c.number)
		if !strings.Contains(out, c.what) || !strings.Contains(out, c.want) {
			t.Errorf("%s: want %q:\n%s", c.what, c.want, out)
		}
	}
	out, _ := try(t, 20*time.Second, "atk6-exploit6", device, planeIP6)
	if !strings.Contains(out, "(still alive?)\t\tPASSED") {
		t.Errorf("exploit6:\n%s", out)
	}
}

// TestToolkit6: what the SI6 toolkit finds out about the plane.
func TestToolkit6(t *testing.T) {
	find(t, "frag6")
	atOnce(t)
	b := newBed6(t)
	serveTCP(t, b.plane.Listen, ":7", echo)
	for _, c := range []struct{ args, want string }{
		{"frag6 -i D -d A -W", "Randomized IDs"},
		{"flow6 -i D -d A -P TCP -p 7 -W", "Randomized labels"},
		{"tcp6 -i D -d A -X S -p script -a 7", "RESPONSE:TCP6:SA:"},
		{"tcp6 -i D -d A -X S -p script -a 8", "RESPONSE:TCP6:RA:"},
		{"path6 -d A", "1 (" + planeIP6 + ")"},
	} {
		args := strings.Fields(strings.NewReplacer("D", device, "A", planeIP6).Replace(c.args))
		out, err := try(t, 20*time.Second, args[0], args[1:]...)
		if !strings.Contains(out, c.want) {
			t.Errorf("%v: want %q, %v:\n%s", args, c.want, err, out)
		}
	}
}
