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
		requests("", "tcp-rr-1000", exchange+"1000 connections", 1000, byWire),
		requests("", "tcp-rr-1-pipe", exchange+"1 connection, gVisor by its own pipe", 1, byPipe),
	}
}

func requests(num, name, what string, n int, by joint, goals ...goal) row {
	return row{num: num, name: name, what: what, unit: "exchange", note: floorNote,
		goals: append(goals, bounds("floor", []string{"gvisor", "linux-lo"}, "goroutine")...), sides: []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(openPlanes, n, serveEcho, request) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(by, n, serveEcho, request) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.tcp(n, serveEcho, request) }),
			theirs("floor", func() (*subject, error) { return floorTCP(floorRing, n, serveEcho, request) }),
		}}
}

func tasks(num, name, what string, n int) row {
	return row{num: num, name: name, what: what, unit: "exchange", sides: []side{
		ours("resident", func() (*subject, error) { return planeTasks(openPlanes, n) }),
		theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, n, serveEcho, request) }),
		theirs("floor", func() (*subject, error) { return floorTasks(n) }),
	}, note: "Calls from the stack instead of tasks on the floor. " + floorNote,
		goals: append(bounds("floor", []string{"gvisor"}, "resident"), goal{side: "resident", against: "gvisor", must: 15, aim: 28})}
}
