package main

import (
	"fmt"
	"net"
	"time"
)

// connRows are about many connections: to make them, and to have them.
func connRows() []row {
	return []row{
		connects("8a", "connect-1", 1),
		connects("8b", "connect-16", 16),
		beside(),
		turnRow(),
		idle(),
	}
}

func connects(num, name string, workers int) row {
	return row{
		num: num, name: name, unit: "connection",
		what: fmt.Sprintf("connect, accept, close; the server closes first; %d at a time", workers),
		sides: []side{
			{name: "goroutine", plane: true, alloc: true, open: func() (*subject, error) { return planeChurn(workers, planePrefix) }},
			theirs("gvisor", func() (*subject, error) { return gvisorChurn(workers) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.churn(workers) }),
			theirs("floor", func() (*subject, error) { return floorChurn(workers) }),
		},
		goals: append([]goal{
			{side: "goroutine", against: "gvisor", must: 5, aim: 12},
			{side: "goroutine", against: "linux-lo", must: 8, aim: 20},
		}, bounds("floor", []string{"gvisor", "linux-lo"}, "goroutine")...),
		note: "TIME-WAIT stays with the server: 1 ms on the plane and gVisor, 60 s in Linux, which takes a new SYN for a port in TIME-WAIT. " +
			"A connection is an object of its own to the application, so planes may allocate here; the floor's come from a list. " + floorNote,
	}
}

// manyIdle is how many connections rows have that do nothing.
const (
	manyIdle  = 10000
	manyTurns = 9000
)

// first exchanges messages over the first connection only.
func first(c []net.Conn) load { return request(c[:1]) }

func beside() row {
	return row{
		num: "12", name: "tcp-rr-idle", unit: "exchange", slow: true,
		what: "TCP request/response 64 B on one connection, 10,000 idle ones beside it",
		sides: []side{
			ours("idle-10000", func() (*subject, error) { return planeTCP(openPlanes, 1+manyIdle, serveEcho, first) }),
			ours("alone", func() (*subject, error) { return planeTCP(openPlanes, 1, serveEcho, first) }),
		},
		goals: []goal{{side: "idle-10000", against: "alone", atMost: true, must: 3, aim: 1.7}},
		note:  "A goroutine waits in Read at the server's end of each connection.",
	}
}

func turnRow() row {
	all := func(c []net.Conn) load { return &turns{conns: c, out: message(0), in: make([]byte, msgSize)} }
	return row{
		name: "tcp-rr-turns", unit: "exchange", slow: true, window: 400 * time.Millisecond,
		what: "TCP request/response 64 B, 9,000 connections in turn",
		note: "As many as fit into 20,000 descriptors of the kernel's. Once round before each window: a plane's connection that was quiet for two seconds has given its rings' memory back.",
		sides: []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(openPlanes, manyTurns, serveEcho, all) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, manyTurns, serveEcho, all) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.tcp(manyTurns, serveEcho, all) }),
		},
	}
}

func idle() row {
	return row{
		num: "16", name: "tcp-memory", unit: "connection", once: true, slow: true, weight: 1.5,
		what: "memory of an idle TCP connection, one end, 100,000 held",
		sides: []side{
			{name: "goroutine", plane: true, alloc: true, open: func() (*subject, error) { return planeHeld(100000) }},
			theirs("gvisor", func() (*subject, error) { return gvisorHeld(10000) }),
		},
		goals: []goal{{side: "goroutine", measure: "bytes", atMost: true, unit: "B", must: 4096, aim: 1024}},
		note: "What the process grows by (RSS after free memory was given back), for each end; no goroutine waits at either. " +
			"gvisor holds 10,000.",
	}
}
