package perf

import (
	"fmt"
	"io"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Hist records latencies from 1 ns to a minute with three significant digits.
// It belongs to one goroutine; merge several when they have finished.
type Hist struct{ h *hdrhistogram.Histogram }

// NewHist returns an empty histogram of about 220 KiB.
func NewHist() *Hist { return &Hist{hdrhistogram.New(1, int64(Minute), 3)} }

// minAbove is how many samples above a percentile it takes to believe in it.
const minAbove = 100

// Enough reports whether percentile p stands on enough samples to be shown.
func (h *Hist) Enough(p float64) bool { return EnoughOf(h.Count(), p) }

// EnoughOf is Enough for n samples: at least 100 of them are above percentile p.
func EnoughOf(n int64, p float64) bool { return float64(n)*(100-p)/100 >= minAbove-1e-6 }

// Record books one latency; what lies outside the range counts as its end.
func (h *Hist) Record(t Tick) {
	// After clamping the value is in range, so there is no error to look at.
	_ = h.h.RecordValue(int64(min(max(t, Nanosecond), Minute)))
}

// RecordMany books n equal latencies.
func (h *Hist) RecordMany(t Tick, n int64) {
	if n > 0 {
		_ = h.h.RecordValues(int64(min(max(t, Nanosecond), Minute)), n)
	}
}

// HDR returns the histogram of the library that Hist is made of, to keep or to show.
func (h *Hist) HDR() *hdrhistogram.Histogram { return h.h }

// Merge adds o's records to h.
func (h *Hist) Merge(o *Hist) { h.h.Merge(o.h) }

// Reset forgets everything.
func (h *Hist) Reset() { h.h.Reset() }

// Count returns how many latencies were recorded.
func (h *Hist) Count() int64 { return h.h.TotalCount() }

// Percentile returns the latency that p percent (0..100) did not exceed.
func (h *Hist) Percentile(p float64) Tick { return Tick(h.h.ValueAtPercentile(p)) }

// Min, Mean and Max return 0 when nothing was recorded.
func (h *Hist) Min() Tick { return h.or0(h.h.Min()) }

// Mean returns the average latency.
func (h *Hist) Mean() Tick { return h.or0(int64(h.h.Mean())) }

// Max returns the longest latency.
func (h *Hist) Max() Tick { return h.or0(h.h.Max()) }

func (h *Hist) or0(v int64) Tick {
	if h.Count() == 0 {
		return 0
	}
	return Tick(v)
}

// Encode returns the histogram in HdrHistogram's compressed format (V2), in base64.
func (h *Hist) Encode() (string, error) {
	b, err := h.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	return string(b), err
}

// String returns one line: count and the usual percentiles.
func (h *Hist) String() string {
	return fmt.Sprintf("n=%d p50=%v p90=%v p99=%v p99.9=%v max=%v", h.Count(),
		Short(h.Percentile(50)), Short(h.Percentile(90)), Short(h.Percentile(99)),
		Short(h.Percentile(99.9)), Short(h.Max()))
}

// Picture draws the percentiles as bars of at most width characters, one line
// each, on a linear scale up to the 99.9th, so that the tail does not hide the body.
func (h *Hist) Picture(w io.Writer, width int) error {
	if h.Count() == 0 {
		_, err := fmt.Fprintln(w, "no samples")
		return err
	}
	scale := max(h.Percentile(99.9), 1)
	for _, p := range []float64{0, 25, 50, 75, 90, 99, 99.9, 100} {
		v := h.Percentile(p)
		bar := strings.Repeat("█", max(1, int(Tick(width)*min(v, scale)/scale)))
		if v > scale {
			bar += "…"
		}
		if _, err := fmt.Fprintf(w, "%6s %9v %s\n", label(p), Short(v), bar); err != nil {
			return err
		}
	}
	return nil
}

// label names a percentile: "p99.9", "min", "max".
func label(p float64) string {
	switch p {
	case 0:
		return "min"
	case 100:
		return "max"
	}
	return fmt.Sprintf("p%g", p)
}

// Short rounds t to three digits or so, which is what the histogram knows.
func Short(t Tick) Tick {
	for unit := Second; unit >= Microsecond; unit /= 1000 {
		if t >= 100*unit {
			return t / unit * unit
		}
		if t >= unit {
			return t / (unit / 100) * (unit / 100)
		}
	}
	return t
}
