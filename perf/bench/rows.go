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
	udp := func(window int) [2]func() (*subject, error) {
		return [2]func() (*subject, error){
			func() (*subject, error) { return planeUDP(window) },
			func() (*subject, error) { return gvisorUDP(window) },
		}
	}
	tcp := func(n int, serve func(net.Conn), mk func([]net.Conn) load) [2]func() (*subject, error) {
		return [2]func() (*subject, error){
			func() (*subject, error) { return planeTCP(n, serve, mk) },
			func() (*subject, error) { return gvisorTCP(n, serve, mk) },
		}
	}
	rr := func(c []net.Conn) load { return &echo{conns: c, window: 1} }
	flow := func(c []net.Conn) load { return &bulk{conn: c[0], dir: sendToServer} }
	tap := func(dir byte) [2]func() (*subject, error) {
		return [2]func() (*subject, error){
			func() (*subject, error) { return planeTAP(dir) },
			func() (*subject, error) { return gvisorTAP(dir) },
		}
	}
	return []row{
		{name: "udp-w1", what: "UDP echo 64 B, 1 on the way", unit: "echo", goal: 6, open: udp(1)},
		{name: "udp-w32", what: "UDP echo 64 B, 32 on the way", unit: "echo", goal: 6, open: udp(32)},
		{name: "tcp-rr-1", what: "TCP request/response 64 B, 1 connection", unit: "exchange", goal: 6, open: tcp(1, serveEcho, rr)},
		{name: "tcp-rr-100", what: "TCP request/response 64 B, 100 connections", unit: "exchange", goal: 6, open: tcp(100, serveEcho, rr)},
		{name: "tcp-bulk", what: "TCP bulk, 1 flow, MTU 1500, no offloads", unit: "KiB", open: tcp(1, serveBulk, flow)},
		{name: "tap-send", what: "TCP to the kernel over TAP, offloads", unit: "KiB", goal: 1.5, tap: true, open: tap(sendToServer)},
		{name: "tap-receive", what: "TCP from the kernel over TAP, offloads", unit: "KiB", goal: 1.5, tap: true, open: tap(readFromIt)},
	}
}
