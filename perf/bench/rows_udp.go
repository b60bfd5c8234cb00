package main

import "slices"

// udpRows have a raw generator at one end of a wire and a stack with its echo
// server at the other.
func udpRows() []row {
	const note = "A generator of prebuilt frames on the wire, a stack and its echo server behind it. Sockets are connected " +
		"(goroutine-any: one socket for all peers; goroutine-batch: ReadBatchAddrPort and WriteBatchAddrPort). wire: generator and wire alone, which is in every figure. " + floorNote
	raw := func(num, name, what string, r rawUDP, goals ...goal) row {
		return row{num: num, name: name, what: what, unit: "echo", note: note, goals: goals, sides: []side{
			ours("goroutine", func() (*subject, error) { return r.plane(true, onGoroutine) }),
			ours("goroutine-any", func() (*subject, error) { return r.plane(false, onGoroutineForAll) }),
			ours("goroutine-batch", func() (*subject, error) { return r.plane(true, onGoroutineInBatches) }),
			ours("resident", func() (*subject, error) { return r.plane(true, resident) }),
			ours("handler", func() (*subject, error) { return r.plane(true, inHandler) }),
			theirs("gvisor", r.gvisor),
			theirs("wire", r.bare),
			theirs("floor", r.floorGoroutine),
			theirs("floor-handler", r.floorHandler),
		}}
	}
	// less are the goals with the generator's own cost taken out.
	less := func(sides ...string) (out []goal) {
		for _, s := range sides {
			out = append(out, goal{side: s, against: "gvisor", less: "wire"})
		}
		return out
	}
	only := func(r row, names ...string) row {
		var kept []side
		for _, s := range r.sides {
			for _, n := range names {
				if s.name == n {
					kept = append(kept, s)
				}
			}
		}
		r.sides = kept
		return r
	}
	udp := func(name, what string, by joint, window int) row {
		return row{name: name, what: what, unit: "echo", sides: []side{
			ours("goroutine", func() (*subject, error) { return planeUDP(window) }),
			theirs("gvisor", func() (*subject, error) { return gvisorUDP(by, window) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.udp(window) }),
		}}
	}
	burst := rawUDP{burst: wireBurst, size: msgSize}
	gvisor := []string{"gvisor"}
	return []row{
		only(raw("1", "udp-echo-32", "UDP echo 64 B, burst 32, goroutine sockets", burst, slices.Concat([]goal{
			{side: "goroutine", against: "gvisor", must: 12, aim: 25},
			{side: "goroutine-batch", against: "gvisor", must: 12, aim: 25},
		}, less("goroutine", "floor"), bounds("floor", gvisor, "goroutine"))...),
			"goroutine", "goroutine-any", "goroutine-batch", "gvisor", "wire", "floor"),
		only(raw("2", "udp-echo-32-lcore", "UDP echo 64 B, burst 32, resident task and handler", burst, slices.Concat([]goal{
			{side: "resident", against: "gvisor", must: 18, aim: 35},
			{side: "handler", against: "gvisor", must: 18, aim: 35},
		}, less("resident", "handler", "floor-handler"), bounds("floor-handler", gvisor, "resident", "handler"))...),
			"resident", "handler", "gvisor", "wire", "floor-handler"),
		raw("3", "udp-echo-1", "UDP echo 64 B, one wake for each packet", rawUDP{burst: 1, size: msgSize}, slices.Concat([]goal{
			{side: "goroutine", against: "gvisor", must: 6, aim: 10},
		}, less("goroutine", "floor"), bounds("floor", gvisor, "goroutine"), bounds("floor-handler", gvisor, "handler"))...),
		raw("", "udp-echo-1400", "UDP echo 1400 B, burst 32", rawUDP{burst: wireBurst, size: 1400}),
		udp("udp-w1", "UDP 64 B from socket to socket and back, 1 on the way", byWire, 1),
		udp("udp-w32", "UDP 64 B from socket to socket and back, 32 on the way", byWire, 32),
		udp("udp-w1-pipe", "udp-w1, gVisor by its own pipe", byPipe, 1),
	}
}
