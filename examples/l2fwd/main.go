// Command l2fwd passes Ethernet frames between two ports, each "DRIVER:DEVICE", with
// nothing above the drivers. As root, two TAP devices joined as by a cable:
//
//	go run ./examples/l2fwd tap:left tap:right
//	go run -tags dpdk ./examples/l2fwd -swap dpdk:0000:00:02.0,promiscuous=on dpdk:0000:00:03.0,promiscuous=on
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"dataplane/mbuf"
	"dataplane/pmd"
	_ "dataplane/pmd/afpacket"
	_ "dataplane/pmd/afxdp"
	_ "dataplane/pmd/dpdk"
	_ "dataplane/pmd/tap"
)

func main() {
	swap := flag.Bool("swap", false, "exchange destination and source address of every frame")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	if flag.NArg() != 2 {
		log.Fatal("usage: l2fwd [-swap] DRIVER:DEVICE DRIVER:DEVICE")
	}
	ports := make([]pmd.Port, 2)
	for i, s := range flag.Args() {
		var err error
		driver, device, _ := strings.Cut(s, ":")
		if ports[i], err = pmd.Open(driver, device, pmd.Options{Offloads: new(pmd.Offload)}); err != nil { // frames as on a wire
			log.Fatal(err)
		}
	}
	if err := forward(ctx, ports, *swap); err != nil {
		log.Fatal(err)
	}
}

// forward starts the ports and passes frames until ctx ends. Then it closes them.
func forward(ctx context.Context, ports []pmd.Port, swap bool) error {
	runtime.LockOSThread() // one thread has the queues and their pool
	pool, err := newPool(ports)
	if err != nil {
		return err
	}
	for _, p := range ports {
		err = errors.Join(err, p.Start([]*mbuf.Pool{pool}))
	}
	var burst [32]*mbuf.Mbuf
	for idle := 0; err == nil && ctx.Err() == nil; idle++ {
		for i, p := range ports {
			b := burst[:p.Queue(0).RxBurst(burst[:])]
			for _, m := range b {
				if f := m.Bytes(); swap && len(f) >= 12 {
					src, dst := [6]byte(f[6:]), [6]byte(f)
					copy(f[copy(f, src[:]):], dst[:])
				}
			}
			if len(b) > 0 {
				n := ports[1-i].Queue(0).TxBurst(b)
				pool.FreeBulk(b[n:]) // what the other side has no room for is lost, as in a switch
				idle = 0
			}
		}
		if idle > 1000 { // spin for a while, then rest
			pool.Housekeep()
			time.Sleep(50 * time.Microsecond)
		}
	}
	for _, p := range ports {
		s := p.Stats()
		fmt.Printf("%s: %d frames in, %d out, %d lost\n", p.Info().Device, s.IPackets, s.OPackets, s.IMissed+s.OErrors)
		err = errors.Join(err, p.Close())
	}
	pool.Housekeep()
	return errors.Join(err, pool.Close())
}

// newPool makes the buffers of both ports, where one of them must have its own kind.
func newPool(ports []pmd.Port) (*mbuf.Pool, error) {
	cfg := mbuf.Config{Name: "l2fwd", Count: 4096}
	for _, p := range ports {
		if maker, ok := pmd.As[pmd.PoolMaker](p); ok {
			return maker.NewPool(cfg)
		}
	}
	return mbuf.NewPool(cfg)
}
