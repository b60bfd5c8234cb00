//go:build dpdk && !static

package dpdk

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/dpdk/internal/rawdpdk"
)

// BenchmarkBurst receives and sends bursts of 32, in Go by this driver and in C by
// DPDK's own functions on a port of the same kind, in turns.
func BenchmarkBurst(b *testing.B) {
	for _, kind := range []string{"net_ring", "net_null"} {
		b.Run(kind, func(b *testing.B) { benchBurst(b, kind) })
	}
}

// rawPorts is the ports of the other binding, by their kind.
var rawPorts = map[string]uint16{}

func benchBurst(b *testing.B, kind string) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p := open(b, kind+"0", pmd.Options{})
	pool := newTestPool(b, p, 2048)
	if err := p.Start([]*mbuf.Pool{pool}); err != nil {
		b.Fatal(err)
	}
	raw, ok := rawPorts[kind] // stays for the next, longer run
	if !ok {
		mp, err := rawdpdk.NewPool("raw-"+kind, 2048)
		if err != nil {
			b.Fatal(err)
		}
		if raw, err = rawdpdk.NewPort(kind+"1", mp); err != nil {
			b.Fatal(err)
		}
		rawPorts[kind] = raw
		if kind == "net_ring" {
			rawdpdk.Send(raw, mp, 64, 64)
		}
	}
	q := p.Queue(0)
	if kind == "net_ring" { // something to pass around
		var m [64]*mbuf.Mbuf
		pool.AllocBulk(m[:])
		for _, m := range m {
			m.Append(64)
		}
		q.TxBurst(m[:])
	}
	var inGo, inC []float64 // of each piece, ns for a packet
	b.ResetTimer()
	for left := b.N; left > 0; left -= piece {
		d, k := goLoop(q, pool, min(left, piece))
		inGo = append(inGo, float64(d.Nanoseconds())/float64(k))
		d, k = rawdpdk.Loop(raw, min(left, piece))
		inC = append(inC, float64(d.Nanoseconds())/float64(k))
	}
	slices.Sort(inGo)
	slices.Sort(inC)
	g, c := inGo[len(inGo)/2], inC[len(inC)/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(g, "go-ns/packet")
	b.ReportMetric(c, "c-ns/packet")
	b.ReportMetric(g/c, "ratio")
}

// piece is how many rounds are measured at once: the medians of both are compared.
const piece = 2000

func goLoop(q pmd.Queue, pool *mbuf.Pool, rounds int) (time.Duration, int) {
	var burst [32]*mbuf.Mbuf
	from, frames := rawdpdk.Now(), 0
	for range rounds {
		n := q.RxBurst(burst[:])
		k := q.TxBurst(burst[:n])
		if k < n {
			pool.FreeBulk(burst[k:n])
		}
		frames += k
	}
	return rawdpdk.Now() - from, frames
}

// BenchmarkEmptyPoll asks a queue that has nothing.
func BenchmarkEmptyPoll(b *testing.B) {
	p := open(b, "net_ring2", pmd.Options{})
	if err := p.Start([]*mbuf.Pool{newTestPool(b, p, 2048)}); err != nil {
		b.Fatal(err)
	}
	q := p.Queue(0)
	var burst [32]*mbuf.Mbuf
	for b.Loop() {
		q.RxBurst(burst[:])
	}
}
