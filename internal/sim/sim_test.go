package sim

import (
	"flag"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seeds = flag.Uint64("sim.seeds", 300, "how many seeds TestSeeds runs")
	first = flag.Uint64("sim.first", 1, "the first of them")
	trace = flag.String("sim.trace", "", "file to write every segment to (one seed only)")
)

// TestSeeds runs many worlds. A failure names its seed; run it alone with
// -sim.first=SEED -sim.seeds=1 -sim.trace=FILE.
func TestSeeds(t *testing.T) {
	var out io.Writer
	if *trace != "" && *seeds == 1 {
		f, err := os.Create(*trace)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out = f
	}
	n := *seeds
	if testing.Short() {
		n = min(n, 100)
	}
	start := time.Now()
	var next, bad atomic.Uint64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < n && bad.Load() < 5; i = next.Add(1) - 1 {
				seed := *first + i
				for _, what := range Run(seed, out) {
					bad.Add(1)
					t.Errorf("seed %d: %s", seed, what)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d seeds in %v", min(next.Load(), n), time.Since(start).Round(time.Millisecond))
}

// The same seed gives the same world, frame by frame.
func TestSameSeedSameRun(t *testing.T) {
	prints := func() (now [2]uint64) {
		a, b := Fingerprint(42), Fingerprint(43)
		return [2]uint64{a, b}
	}
	if x, y := prints(), prints(); x != y || x[0] == x[1] {
		t.Errorf("two runs of the same seeds differ: %v, %v", x, y)
	}
}
