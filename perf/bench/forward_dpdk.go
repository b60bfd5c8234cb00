//go:build dpdk

package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
	"dataplane/pmd/dpdk"
)

const builtWithDPDK = true

// forwarder passes frames from each port on to the next, with their addresses
// exchanged.
type forwarder struct {
	ports  []*dpdk.Port
	queues []pmd.Queue
	pool   *mbuf.Pool
	burst  [wireBurst]*mbuf.Mbuf
}

func openForwarder(k vdevs) (_ *subject, err error) {
	if err := dpdk.Init(dpdk.EAL{Huge: "no", Memory: dpdkMemory}); err != nil {
		return nil, skipped("%v", err)
	}
	f := &forwarder{}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	for _, d := range k.devices("go") {
		p, err := dpdk.Open(d, pmd.Options{})
		if err != nil {
			return nil, err
		}
		f.ports = append(f.ports, p)
		f.queues = append(f.queues, p.Queue(0))
	}
	if f.pool, err = f.ports[0].NewPool(mbuf.Config{Name: "bench", Count: dpdkBuffers}); err != nil {
		return nil, err
	}
	for _, p := range f.ports {
		if err = p.Start([]*mbuf.Pool{f.pool}); err != nil {
			return nil, err
		}
	}
	for end := time.Now().Add(grace); !f.up(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return nil, errors.New("the links do not come up")
		}
	}
	if k.seed {
		err = f.seed()
	}
	return &subject{load: f, close: f.close}, err
}

func (f *forwarder) up() bool {
	for _, p := range f.ports {
		if !p.LinkUp() {
			return false
		}
	}
	return true
}

// seed sends a burst from each port. A memif takes frames when the other end has
// looked for some.
func (f *forwarder) seed() error {
	var none [1]*mbuf.Mbuf
	for _, q := range f.queues {
		q.RxBurst(none[:])
	}
	for _, q := range f.queues {
		if !f.pool.AllocBulk(f.burst[:]) {
			return errors.New("no buffers")
		}
		for _, m := range f.burst {
			copy(m.Append(msgSize), "\x02\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x01\x08\x00")
		}
		if n := q.TxBurst(f.burst[:]); n < len(f.burst) {
			f.pool.FreeBulk(f.burst[n:])
			return fmt.Errorf("%d of %d frames were sent", n, len(f.burst))
		}
	}
	return nil
}

// run forwards for d.
func (f *forwarder) run(d time.Duration) (n count, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for start := time.Now(); time.Since(start) < d; {
		for range 512 {
			for i, q := range f.queues {
				n.ops += uint64(f.pass(q, f.queues[len(f.queues)-1-i]))
			}
		}
	}
	return n, nil
}

// pass moves one burst.
func (f *forwarder) pass(from, to pmd.Queue) int {
	n := from.RxBurst(f.burst[:])
	b := f.burst[:n]
	for _, m := range b {
		swapMACs(m.Bytes())
	}
	k := to.TxBurst(b)
	if k < n {
		f.pool.FreeBulk(b[k:])
	}
	return k
}

func (f *forwarder) close() error {
	var errs []error
	for _, p := range f.ports {
		errs = append(errs, p.Close())
	}
	if f.pool != nil {
		errs = append(errs, f.pool.Close())
	}
	return errors.Join(errs...)
}
