package main

import (
	"net"
	"slices"
)

// bulkRows move bytes over one connection.
func bulkRows() []row { return []row{plainBulk(), softwareBulk(), superBulk()} }

const bulkNote = "lent: the reader looks at the bytes where they lie (ReadBuffers); resident: tasks on both ends. "

// planeBulk are the plane's sides of such a row.
func planeBulk(open joined, mk func([]net.Conn) load) []side {
	return []side{
		ours("goroutine", func() (*subject, error) { return planeTCP(open, 1, serveBulk, mk) }),
		ours("lent", func() (*subject, error) { return planeTCP(open, 1, serveBulkLent, mk) }),
		ours("resident", func() (*subject, error) { return planeTCPInside(open, serveBulk, mk) }),
	}
}

// bulkGoals are of the copying calls and of the lending ones.
func bulkGoals(against string, must, aim float64) []goal {
	return []goal{
		{side: "goroutine", against: against, must: must, aim: aim},
		{side: "lent", against: against, must: must, aim: aim},
	}
}

// plainBulk has every segment made, summed and verified for itself.
func plainBulk() row {
	return row{
		num: "6", name: "tcp-bulk", what: "TCP bulk, 1 flow, MTU 1500, no GSO or GRO, checksums on", unit: "KiB",
		sides: append(planeBulk(openPlainPlanes, flow),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, 1, serveBulk, flow) }),
			side{name: "linux-veth", root: true, open: func() (*subject, error) { return vethTCP(plain, 1, serveBulk, flow) }},
			extra(side{name: "linux-veth-1", root: true, open: func() (*subject, error) { return vethTCP(oneByOne, 1, serveBulk, flow) }}),
			extra(side{name: "linux-veth-sg", root: true, open: func() (*subject, error) { return vethTCP(scattered, 1, serveBulk, flow) }}),
			theirs("floor", func() (*subject, error) { return floorTCP(floorBulkRing, 1, serveBulk, flow) }),
		),
		goals: slices.Concat(bulkGoals("gvisor", 5, 10), bulkGoals("linux-veth", 3, 6),
			[]goal{{side: "goroutine", against: "linux-veth-1"}, {side: "goroutine", against: "linux-veth-sg"}},
			bounds("floor", []string{"gvisor", "linux-veth", "linux-veth-sg"}, "goroutine", "lent")),
		note: "linux-veth: two namespaces joined by veth with every offload off, so that a segment is copied on its way, as on our wire; inside, Linux " +
			"makes super-segments all the same, and cuts them last; -1: not even that (gso_max_segs 1), as the others here; -sg: scatter-gather on, " +
			"so that pages are handed over and not copied. " + bulkNote + floorNote,
	}
}

// softwareBulk leaves each stack the best it can do in software over links that
// carry 1500 bytes.
func softwareBulk() row {
	return row{
		num: "7a", name: "tcp-bulk-gso", what: "TCP bulk, 1 flow, MTU 1500, the best software GSO and GRO of each", unit: "KiB",
		sides: append(planeBulk(openPlanes, great),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWireBoth, 1, serveBulk, great) }),
			side{name: "linux-veth", root: true, open: func() (*subject, error) { return vethTCP(offloaded, 1, serveBulk, great) }},
		),
		goals: bulkGoals("gvisor", 3, 6),
		note: "gvisor: its own GSO, and stack/gro on each burst, which verifies the checksums. Writes are of 256 KiB, because gVisor " +
			"pushes the end of each write, which ends the merging. linux-veth hands super-segments over whole, unsummed: for information. " + bulkNote,
	}
}

// superBulk hands super-segments over whole; nobody sums their payload.
func superBulk() row {
	gvisor := func(mk func([]net.Conn) load) opener {
		return func() (*subject, error) { return gvisorTCP(byWireSuper, 1, serveBulk, mk) }
	}
	return row{
		num: "7b", name: "tcp-bulk-super", what: "TCP bulk, 1 flow, super-segments up to 64 KiB, checksums offloaded", unit: "KiB",
		sides: append(planeBulk(openSuperPlanes, great),
			theirs("gvisor", gvisor(great)),
			ours("goroutine-32k", func() (*subject, error) { return planeTCP(openSuperPlanes, 1, serveBulk, flow) }),
			theirs("gvisor-32k", gvisor(flow)),
			theirs("linux-lo", func() (*subject, error) { return loopback.tcp(1, serveBulk, great) }),
		),
		goals: bulkGoals("gvisor", 1.2, 2.5),
		note:  "Writes are of 256 KiB, which suits gVisor; -32k: of 32 KiB. " + bulkNote,
	}
}
