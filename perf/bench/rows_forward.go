package main

import (
	"encoding/binary"
	"fmt"
	"os"
)

// vdevs are virtual devices of DPDK's, of the same kind for both sides.
type vdevs struct {
	kind string
	two  bool   // two ports, joined; else what one sends comes back to it, or is lost
	seed bool   // frames must be put in before they can go round
	args string // of each device
}

const (
	dpdkMemory  = 256 // MB
	dpdkBuffers = 2048
)

// devices returns what to open, in this order, for one of the sides.
func (k vdevs) devices(side string) []string {
	if !k.two {
		return []string{k.kind + "0" + k.args}
	}
	socket := fmt.Sprintf(",socket=%s/dataplane-bench-%d-%s.sock", os.TempDir(), os.Getpid(), side)
	return []string{k.kind + "0,role=server" + k.args + socket, k.kind + "1,role=client" + k.args + socket}
}

// forwardRows forward frames of 64 bytes between DPDK's ports: a loop in Go on the
// API of the drivers, and testpmd.
func forwardRows() []row {
	const note = "CPU time of the forwarding thread alone; 2048 buffers. macswap: destination and source address of every frame are " +
		"exchanged. memif: both ends in the same process, so that neither side waits. net_null: frames from nowhere, with no bytes copied. Frames are counted, not read again."
	forward := func(num, what string, k vdevs) row {
		return row{
			num: num, name: "forward-" + k.kind, what: "L2 forward over " + what + ", burst 32", unit: "packet", note: note, slow: true,
			sides: []side{
				ours("go", func() (*subject, error) { return openForwarder(k) }),
				theirs("testpmd", func() (*subject, error) { return openTestpmd(k) }),
			},
			goals: []goal{{side: "go", against: "testpmd", must: 0.65, aim: 0.8}},
		}
	}
	return []row{
		forward("13a", "net_null", vdevs{kind: "net_null"}),
		forward("13b", "net_ring", vdevs{kind: "net_ring", seed: true}),
		forward("13c", "memif", vdevs{kind: "net_memif", two: true, seed: true, args: ",rsize=8,socket-abstract=no"}),
	}
}

// swapMACs exchanges destination and source of an Ethernet frame: 12 bytes, of which
// 16 are read.
func swapMACs(f []byte) {
	if len(f) < 16 {
		return
	}
	le := binary.LittleEndian
	a, b := le.Uint64(f), le.Uint32(f[8:])
	le.PutUint64(f, a>>48|uint64(b)<<16|a<<48)
	le.PutUint32(f[8:], uint32(a>>16))
}
