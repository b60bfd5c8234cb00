package main

import (
	"net"
	"net/netip"

	"dataplane/api"
)

// sixRows do the same work by IPv6 and by IPv4.
func sixRows() []row {
	const note = "Global addresses. By the CPU time of IPv6 divided by that of IPv4. "
	pair := func(name, what, unit string, six, four opener) row {
		return row{
			name: name, what: what + ", IPv6 beside IPv4", unit: unit, note: note, weight: 0.5,
			sides: []side{ours("six", six), ours("four", four)},
			goals: []goal{{side: "six", against: "four", atMost: true, must: 1.1, aim: 1.05}},
		}
	}
	datagrams := func(six bool, serve func(*api.Net, *api.UDPConn) error) opener {
		return func() (*subject, error) {
			return rawUDP{burst: wireBurst, size: msgSize, six: six}.plane(true, serve)
		}
	}
	stream := func(open joined, serve func(net.Conn), mk func([]net.Conn) load) opener {
		return func() (*subject, error) { return planeTCP(open, 1, serve, mk) }
	}
	tasks := func(open joined) opener { return func() (*subject, error) { return planeTasks(open, 1) } }
	connects := func(at func(int) netip.Prefix) opener {
		return func() (*subject, error) { return planeChurn(1, at) }
	}
	churn := pair("six-connect", "connect, accept, close", "connection", connects(planePrefix6), connects(planePrefix))
	for i := range churn.sides {
		churn.sides[i].alloc = true
	}
	return []row{
		churn,
		pair("six-udp-handler", "UDP echo 64 B, burst 32, handler", "echo", datagrams(true, inHandler), datagrams(false, inHandler)),
		pair("six-udp", "UDP echo 64 B, burst 32, goroutine sockets", "echo", datagrams(true, onGoroutine), datagrams(false, onGoroutine)),
		pair("six-tcp-rr", "TCP request/response 64 B, 1 connection, goroutine sockets", "exchange",
			stream(openPlanes6, serveEcho, request), stream(openPlanes, serveEcho, request)),
		pair("six-tcp-task", "TCP request/response 64 B, 1 connection, resident tasks", "exchange", tasks(openPlanes6), tasks(openPlanes)),
		pair("six-tcp-bulk", "TCP bulk, 1 flow, MTU 1500, no GSO or GRO", "KiB",
			stream(openPlainPlanes6, serveBulk, flow), stream(openPlainPlanes, serveBulk, flow)),
		pair("six-tcp-bulk-gso", "TCP bulk, 1 flow, MTU 1500, GSO and GRO in software", "KiB",
			stream(openPlanes6, serveBulk, great), stream(openPlanes, serveBulk, great)),
	}
}
