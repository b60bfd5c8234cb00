package wiretest

import (
	"fmt"
	"strings"
	"testing"

	"dataplane/perf"

	"github.com/gopacket/gopacket/layers"
)

// TestPing: a frame in, a frame out, ARP answered on the way.
func TestPing(t *testing.T) {
	w := New(t, Config{})
	m := ICMP{Type: layers.ICMPv4TypeEchoRequest, Rest: 0x12340001, Data: []byte("are you there?")}
	w.SendICMP(m)
	m.Type = layers.ICMPv4TypeEchoReply
	w.ExpectICMP(m)
	w.Quiet()
	if w.Stat.Delivered != 2 { // the request, and the answer to our ARP
		t.Errorf("delivered %d", w.Stat.Delivered)
	}
}

// TestManualARP: ARP as part of the test.
func TestManualARP(t *testing.T) {
	w := New(t, Config{ManualARP: true})
	w.SendARP(ARP{Op: layers.ARPRequest, Sender: Peer, Target: Local})
	f := w.ExpectARP(ARP{Op: layers.ARPReply, Sender: Local, Target: Peer})
	if [6]byte(f.ARP.SourceHwAddress) != LocalMAC {
		t.Errorf("we are at %x", f.ARP.SourceHwAddress)
	}
	w.Quiet()
}

// TestLongFrame: what does not fit a buffer arrives as a chain.
func TestLongFrame(t *testing.T) {
	w := New(t, Config{MTU: 9000})
	m := ICMP{Type: layers.ICMPv4TypeEchoRequest, Rest: 1, Data: Pattern(0, 8000)}
	w.SendICMP(m)
	m.Type = layers.ICMPv4TypeEchoReply
	w.ExpectICMP(m)
}

// TestTime: time passes only when told to, and stops where told.
func TestTime(t *testing.T) {
	w := New(t, Config{})
	w.Advance(1500 * perf.Millisecond)
	if w.Now != Start+1500*perf.Millisecond {
		t.Errorf("it is %v", w.Now-Start)
	}
	if d := w.Until(perf.Second); d != perf.Second {
		t.Errorf("waited %v for nothing", d)
	}
	w.QuietFor(perf.Minute)
}

// TestHold: frames that arrive together meet in one turn.
func TestHold(t *testing.T) {
	w := New(t, Config{})
	w.Hold()
	for i := range uint32(5) {
		w.SendICMP(ICMP{Type: layers.ICMPv4TypeEchoRequest, Rest: i})
	}
	w.Quiet()
	w.Release()
	if n := w.Flush(); n != 5 {
		t.Errorf("%d replies", n)
	}
}

// failing is a testing.TB that notes failures instead of failing.
type failing struct {
	testing.TB
	log  strings.Builder
	fail bool
}

func (f *failing) Helper()                 {}
func (f *failing) Log(args ...any)         { f.log.WriteString(strings.TrimSpace(fmt.Sprint(args...)) + "\n") }
func (f *failing) Logf(s string, a ...any) { f.log.WriteString(fmt.Sprintf(s, a...) + "\n") }
func (f *failing) Errorf(s string, a ...any) {
	f.Logf(s, a...)
	f.fail = true
}
func (f *failing) Fatalf(s string, a ...any) {
	f.Errorf(s, a...)
	panic(f)
}

// fails runs f, in which w must fail, and returns what it said.
func fails(t *testing.T, w *Wire, f func()) string {
	t.Helper()
	was := w.T
	tb := &failing{TB: t}
	w.T = tb
	defer func() { w.T = was }()
	func() {
		defer func() {
			if e := recover(); e != any(tb) && e != nil {
				panic(e)
			}
		}()
		f()
	}()
	if !tb.fail {
		t.Error("nothing failed")
	}
	return tb.log.String()
}

// TestFailures: a failure says what differs and shows the last frames.
func TestFailures(t *testing.T) {
	w := New(t, Config{})
	w.SendICMP(ICMP{Type: layers.ICMPv4TypeEchoRequest, Rest: 7})
	out := fails(t, w, w.Quiet)
	for _, want := range []string{"the last frames", "< ", "> ", "icmp 10.0.0.1 > 10.0.0.2 EchoReply", "arp op 1", "want silence"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	out = fails(t, w, func() { w.ExpectICMP(ICMP{Type: layers.ICMPv4TypeEchoReply, Rest: 8}) })
	if !strings.Contains(out, "rest: want 0x8, got 0x7") {
		t.Errorf("got\n%s", out)
	}
	out = fails(t, w, func() { w.Next() })
	if !strings.Contains(out, "got nothing") {
		t.Errorf("got\n%s", out)
	}
}

// TestPattern: the pattern does not repeat every 256 bytes, and begins
// anywhere.
func TestPattern(t *testing.T) {
	long := Pattern(0, 70000)
	for _, off := range []int{1, 255, 256, 65535} {
		if string(Pattern(int64(off), 100)) != string(long[off:off+100]) {
			t.Errorf("begins differently at %d", off)
		}
	}
	if string(long[:256]) == string(long[256:512]) || string(long[:256]) == string(long[65536:65792]) {
		t.Error("repeats")
	}
	if i := patternEqual(long[300:400], 300); i >= 0 {
		t.Errorf("byte %d differs", i)
	}
	long[350]++
	if i := patternEqual(long[300:400], 300); i != 50 {
		t.Errorf("byte %d differs, want 50", i)
	}
}
