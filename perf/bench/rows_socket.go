package main

import "net"

// sides makes the sides of a row that differ by how they are opened only.
type opener = func() (*subject, error)

func ours(name string, open opener) side { return side{name: name, plane: true, open: open} }
func theirs(name string, open opener) side {
	return side{name: name, open: open}
}

func request(c []net.Conn) load { return &echo{conns: c, window: 1} }
func flow(c []net.Conn) load    { return &bulk{conn: c[0], dir: sendToServer} }

// socketRows are between two sockets, one stack at each end of a wire in memory.
func socketRows() []row {
	rr := func(by joint, n int) []side {
		return []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(n, serveEcho, request) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(by, n, serveEcho, request) }),
		}
	}
	tasks := func(n int) []side {
		return []side{
			ours("resident", func() (*subject, error) { return planeTasks(n) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, n, serveEcho, request) }),
		}
	}
	resident := []goal{{side: "resident", against: "gvisor", must: 15, aim: 28}}
	const exchange = "TCP request/response 64 B"
	return []row{
		{num: "4a", name: "tcp-rr-1", what: exchange + ", 1 connection", unit: "exchange", sides: rr(byWire, 1),
			goals: []goal{{side: "goroutine", against: "gvisor", must: 8, aim: 15}}},
		{num: "4b", name: "tcp-rr-100", what: exchange + ", 100 connections", unit: "exchange", sides: rr(byWire, 100),
			goals: []goal{{side: "goroutine", against: "gvisor", must: 8, aim: 15}}},
		{num: "5a", name: "tcp-task-1", what: exchange + ", resident tasks on both ends", unit: "exchange", sides: tasks(1), goals: resident},
		{num: "5b", name: "tcp-task-100", what: "the same, 100 connections", unit: "exchange", sides: tasks(100), goals: resident},
		{num: "6", name: "tcp-bulk", what: "TCP bulk, 1 flow, MTU 1500, no offloads", unit: "KiB", sides: []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(1, serveBulk, flow) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, 1, serveBulk, flow) }),
		}, goals: []goal{{side: "goroutine", against: "gvisor", must: 5, aim: 10}}},
		{name: "tcp-rr-1-pipe", what: "tcp-rr-1, gVisor by its own pipe", unit: "exchange", sides: rr(byPipe, 1)},
	}
}
