package main

import "net"

// subject is one of the two things that a row compares, ready to work.
type subject struct {
	load    load
	packets func() uint64 // over the link so far
	close   func() error
}

// row is one comparison.
type row struct {
	name string
	what string
	unit string  // of an operation
	goal float64 // least ratio of operations per CPU time, plane to peer; 0: none set
	tap  bool    // needs a namespace of its own
	open [2]func() (*subject, error)
}

const (
	plane = iota
	peer
)

var sideNames = [2]string{"plane", "gvisor"}

func rows() []row {
	type open = func() (*subject, error)
	udp := func(by joint, window int) [2]open {
		return [2]open{
			func() (*subject, error) { return planeUDP(window) },
			func() (*subject, error) { return gvisorUDP(by, window) },
		}
	}
	tcp := func(by joint, n int, serve func(net.Conn), mk func([]net.Conn) load) [2]open {
		return [2]open{
			func() (*subject, error) { return planeTCP(n, serve, mk) },
			func() (*subject, error) { return gvisorTCP(by, n, serve, mk) },
		}
	}
	tap := func(dir byte) [2]open {
		return [2]open{
			func() (*subject, error) { return planeTAP(dir) },
			func() (*subject, error) { return gvisorTAP(dir) },
		}
	}
	tasks := func(n int) [2]open {
		return [2]open{
			func() (*subject, error) { return planeTasks(n) },
			func() (*subject, error) {
				return gvisorTCP(byWire, n, serveEcho, func(c []net.Conn) load { return &echo{conns: c, window: 1} })
			},
		}
	}
	rr := func(c []net.Conn) load { return &echo{conns: c, window: 1} }
	flow := func(c []net.Conn) load { return &bulk{conn: c[0], dir: sendToServer} }
	return []row{
		{name: "udp-w1", what: "UDP echo 64 B, 1 on the way", unit: "echo", goal: 6, open: udp(byWire, 1)},
		{name: "udp-w32", what: "UDP echo 64 B, 32 on the way", unit: "echo", goal: 6, open: udp(byWire, 32)},
		{name: "tcp-rr-1", what: "TCP request/response 64 B, 1 connection", unit: "exchange", goal: 6, open: tcp(byWire, 1, serveEcho, rr)},
		{name: "tcp-rr-100", what: "the same, 100 connections", unit: "exchange", goal: 6, open: tcp(byWire, 100, serveEcho, rr)},
		{name: "tcp-task-1", what: "TCP request/response 64 B, resident tasks on both ends", unit: "exchange", open: tasks(1)},
		{name: "tcp-task-100", what: "the same, 100 connections", unit: "exchange", open: tasks(100)},
		{name: "tcp-bulk", what: "TCP bulk, 1 flow, MTU 1500, no offloads", unit: "KiB", open: tcp(byWire, 1, serveBulk, flow)},
		{name: "tap-send", what: "TCP to the kernel over TAP, offloads", unit: "KiB", goal: 1.5, tap: true, open: tap(sendToServer)},
		{name: "tap-receive", what: "TCP from the kernel over TAP, offloads", unit: "KiB", goal: 1.5, tap: true, open: tap(readFromIt)},
		{name: "udp-w1-pipe", what: "udp-w1, gVisor by its own pipe", unit: "echo", open: udp(byPipe, 1)},
		{name: "tcp-rr-1-pipe", what: "tcp-rr-1, gVisor by its own pipe", unit: "exchange", open: tcp(byPipe, 1, serveEcho, rr)},
	}
}
