package fuzz

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"dataplane/perf"
)

var write = flag.Bool("fuzz.write", false, "write the seeds to testdata")

// seed is a situation made by hand. reaches and dies name what has to happen in
// it, so that it stays what it is called.
type seed struct {
	name    string
	in      []byte
	reaches []perf.Event
	dies    []perf.Verdict
}

// Configurations of a world: its first two bytes.
var (
	plain   = []byte{0, 0}
	full    = []byte{1 | 2 | 4, 0} // timestamps, SACK, window scaling
	active  = []byte{1 | 2 | 4 | 16, 0}
	offload = []byte{1 | 2 | 4 | 8, 0}
	small   = []byte{2 | 32, 0}
	split   = []byte{1 | 2 | 4, 1}
	silent  = []byte{64, 0} // ARP requests are not answered
	bare    = []byte{0, 8 | 16}
)

// do is one step.
func do(op, variant byte, args ...byte) []byte { return append([]byte{op | variant<<4}, args...) }

// seg is a step that sends a segment on the first connection.
func seg(flags byte, dseq, dack int8, wnd, n, mode byte, more ...byte) []byte {
	return do(opSegment, 0, append([]byte{flags, byte(dseq), byte(dack), wnd, n, mode}, more...)...)
}

// again repeats a step.
func again(n int, step []byte) []byte { return slices.Repeat(step, n) }

// join makes an input.
func join(config []byte, steps ...[]byte) []byte {
	return append(slices.Clone(config), slices.Concat(steps...)...)
}

func events(e ...perf.Event) []perf.Event    { return e }
func drops(v ...perf.Verdict) []perf.Verdict { return v }

// seeds are all of them.
func seeds() []seed {
	return slices.Concat(seedsTCP(), seedsAttacks(), seedsIP(), seedsSockets())
}

// TestSeeds plays every seed on one core and on two, and looks whether it gets
// where it wants to; and whether the committed corpus is these seeds.
func TestSeeds(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range seeds() {
		if seen[s.name] {
			t.Errorf("%s: twice", s.name)
		}
		seen[s.name] = true
		for target, cores := range map[string]int{"FuzzInput": 1, "FuzzSteer": 2} {
			t.Run(fmt.Sprintf("%s/%s", target, s.name), func(t *testing.T) {
				s.test(t, target, cores)
			})
		}
	}
}

func (s *seed) test(t *testing.T, target string, cores int) {
	in := slices.Clone(s.in)
	if cores > 1 {
		in[1] |= [...]byte{0, 32, 96}[len(s.name)%3] // one queue, two, two with RSS
	}
	traced = *tracing
	w := newWorld(t, newKit(t, cores, buffers), in)
	w.run()
	for _, e := range s.reaches {
		if w.event(e) == 0 {
			t.Errorf("no %v", e)
		}
	}
	for _, v := range s.dies {
		if w.dropped(v) == 0 {
			t.Errorf("no frame died of %v", v)
		}
	}
	committed(t, target, s.name, in)
}

// committed looks whether the corpus of target has the seed, or writes it.
func committed(t *testing.T, target, name string, in []byte) {
	t.Helper()
	file := filepath.Join("testdata", "fuzz", target, "seed-"+name)
	text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", in)
	if *write {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != text {
		t.Errorf("%s is not the seed: run this test with -fuzz.write (%v)", file, err)
	}
}

// TestSameInputSameRun plays seeds twice and compares all counters.
func TestSameInputSameRun(t *testing.T) {
	for _, cores := range []int{1, 2} {
		k := newKit(t, cores, buffers)
		for _, s := range seeds() {
			var runs [2]perf.Stat
			for i := range runs {
				w := newWorld(t, k, s.in)
				w.run()
				for c := range w.stacks {
					runs[i].Add(w.group.Core(c).Stat())
				}
			}
			if runs[0] != runs[1] {
				t.Errorf("%s on %d cores: two runs differ", s.name, cores)
			}
		}
	}
}
