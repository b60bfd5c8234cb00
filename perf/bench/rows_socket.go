package main

import "net"

type opener = func() (*subject, error)

// ours is a side of the plane's, theirs one of a peer's.
func ours(name string, open opener) side   { return side{name: name, plane: true, open: open} }
func theirs(name string, open opener) side { return side{name: name, open: open} }

func request(c []net.Conn) load { return newEcho(c, 1) }
func flow(c []net.Conn) load    { return &bulk{conn: c[0], dir: sendToServer, write: chunk} }

// great writes much at once.
func great(c []net.Conn) load {
	return &bulk{conn: c[0], dir: sendToServer, write: greatChunk}
}

// socketRows are between two sockets, one stack at each end of a wire in memory.
func socketRows() []row {
	const exchange = "TCP request/response 64 B, "
	return []row{
		requests("4a", "tcp-rr-1", exchange+"1 connection", 1, byWire,
			goal{side: "goroutine", against: "gvisor", must: 8, aim: 15},
			goal{side: "goroutine", against: "linux-lo", must: 10, aim: 20}),
		requests("4b", "tcp-rr-100", exchange+"100 connections", 100, byWire,
			goal{side: "goroutine", against: "gvisor", must: 8, aim: 15},
			goal{side: "goroutine", against: "linux-lo", must: 6, aim: 12}),
		tasks("5a", "tcp-task-1", exchange+"1 connection, resident tasks on both ends", 1),
		tasks("5b", "tcp-task-100", exchange+"100 connections, resident tasks on both ends", 100),
		plainBulk(),
		softwareBulk(),
		superBulk(),
		requests("", "tcp-rr-1000", exchange+"1000 connections", 1000, byWire),
		requests("", "tcp-rr-1-pipe", exchange+"1 connection, gVisor by its own pipe", 1, byPipe),
	}
}

func requests(num, name, what string, n int, by joint, goals ...goal) row {
	return row{num: num, name: name, what: what, unit: "exchange", goals: goals, sides: []side{
		ours("goroutine", func() (*subject, error) { return planeTCP(openPlanes, n, serveEcho, request) }),
		theirs("gvisor", func() (*subject, error) { return gvisorTCP(by, n, serveEcho, request) }),
		theirs("linux-lo", func() (*subject, error) { return loopback.tcp(n, serveEcho, request) }),
	}}
}

func tasks(num, name, what string, n int) row {
	return row{num: num, name: name, what: what, unit: "exchange", sides: []side{
		ours("resident", func() (*subject, error) { return planeTasks(n) }),
		theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, n, serveEcho, request) }),
	}, goals: []goal{{side: "resident", against: "gvisor", must: 15, aim: 28}}}
}

// plainBulk has every segment made, summed and verified for itself.
func plainBulk() row {
	return row{
		num: "6", name: "tcp-bulk", what: "TCP bulk, 1 flow, MTU 1500, no GSO or GRO, checksums on", unit: "KiB",
		sides: []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(openPlainPlanes, 1, serveBulk, flow) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, 1, serveBulk, flow) }),
			{name: "linux-veth", root: true, open: func() (*subject, error) { return vethTCP(false, 1, serveBulk, flow) }},
		},
		goals: []goal{
			{side: "goroutine", against: "gvisor", must: 5, aim: 10},
			{side: "goroutine", against: "linux-veth", must: 3, aim: 6},
		},
		note: "linux-veth: two namespaces joined by veth with every offload off.",
	}
}

// softwareBulk leaves each stack the best it can do in software over links that
// carry 1500 bytes.
func softwareBulk() row {
	return row{
		num: "7a", name: "tcp-bulk-gso", what: "TCP bulk, 1 flow, MTU 1500, the best software GSO and GRO of each", unit: "KiB",
		sides: []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(openPlanes, 1, serveBulk, great) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWireBoth, 1, serveBulk, great) }),
			{name: "linux-veth", root: true, open: func() (*subject, error) { return vethTCP(true, 1, serveBulk, great) }},
		},
		goals: []goal{
			{side: "goroutine", against: "gvisor", must: 3, aim: 6},
		},
		note: "gvisor: its own GSO, and stack/gro on each burst, which verifies the checksums. Writes are of 256 KiB, because gVisor " +
			"pushes the end of each write, which ends the merging. linux-veth hands super-segments over whole, unsummed: for information.",
	}
}

// superBulk hands super-segments over whole; nobody sums their payload.
func superBulk() row {
	plane := func(mk func([]net.Conn) load) opener {
		return func() (*subject, error) { return planeTCP(openSuperPlanes, 1, serveBulk, mk) }
	}
	gvisor := func(mk func([]net.Conn) load) opener {
		return func() (*subject, error) { return gvisorTCP(byWireSuper, 1, serveBulk, mk) }
	}
	return row{
		num: "7b", name: "tcp-bulk-super", what: "TCP bulk, 1 flow, super-segments up to 64 KiB, checksums offloaded", unit: "KiB",
		sides: []side{
			ours("goroutine", plane(great)),
			theirs("gvisor", gvisor(great)),
			ours("goroutine-32k", plane(flow)),
			theirs("gvisor-32k", gvisor(flow)),
			theirs("linux-lo", func() (*subject, error) { return loopback.tcp(1, serveBulk, great) }),
		},
		goals: []goal{{side: "goroutine", against: "gvisor", must: 1.2, aim: 2.5}},
		note:  "Writes are of 256 KiB, which suits gVisor; -32k: of 32 KiB.",
	}
}
