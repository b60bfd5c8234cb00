package main

import (
	"net"

	"dataplane/api"
	"dataplane/internal/gen"
)

// lcoreRows compare two lcores with one, nothing shared.
func lcoreRows() []row {
	const note = "Locked lcores, each on a CPU of its own; the clients are frames built before, stepped by each lcore in the " +
		"bursts of its own queue. alone: by the CPU time of the lcores' threads, as if nobody else were on their CPUs; wall: as it was. " +
		"one: the mean of the rates of an lcore on one CPU and then on the other. " +
		"apart: two planes of one lcore each, which share the process and the machine alone."
	two := func(name, what, unit string, cfg gen.Config, serve func(*api.Net) error) row {
		of := func(open func(gen.Config, func(*api.Net) error) (*subject, error)) opener {
			return func() (*subject, error) { return open(cfg, serve) }
		}
		return row{
			name: name, what: what, unit: unit, note: note, cpus: 2, cut: 4, slow: name != "lcores-udp",
			sides: []side{ours("two", of(onBoth)), ours("one", of(alone)), extra(ours("apart", of(apart)))},
			goals: []goal{
				{side: "two", measure: lcoreTime, against: "one", must: 1.8, aim: 1.95},
				{side: "two", measure: "wall", against: "one"},
				{side: "apart", measure: lcoreTime, against: "one"},
				{side: "two", measure: lcoreTime, against: "apart"},
			},
		}
	}
	web := gen.Config{TCP: true, Flows: httpConns, Request: httpRequest, End: []byte(httpBody)}
	return []row{
		two("lcores-udp", "UDP echo 64 B in handlers, two lcores against one", "echo",
			gen.Config{Flows: 32, Request: make([]byte, msgSize)}, echoInHandlers),
		two("lcores-http", "HTTP/1.1 requests to resident tasks, two lcores against one", "request", web, servedBy(plainHTTP)),
		two("lcores-khttp", "HTTP/1.1 requests to handlers, two lcores against one", "request", web, servedBy(kHTTP)),
	}
}

// modeRows compare the modes of one lcore where the applications have a CPU, too.
func modeRows() []row {
	modes := func(name, what, unit string, cfg gen.Config, serve func(*api.Net) error) row {
		of := func(m api.Mode) opener {
			return func() (*subject, error) { return behindGen([]int{api.AnyCPU}, m, cfg, serve) }
		}
		return row{
			name: name, what: what + ", modes of the lcore on two CPUs", unit: unit, cpus: 2, slow: true,
			sides: []side{ours("locked", of(api.ModeLocked)), ours("shared", of(api.ModeShared))},
			note:  "One lcore, goroutine sockets, clients in the port. On two CPUs the default is locked.",
		}
	}
	web := func(n int) gen.Config {
		return gen.Config{TCP: true, Flows: n, Request: httpRequest, End: []byte(httpBody)}
	}
	pair := func(name, what, unit string, n int, serve func(net.Conn), work func([]net.Conn) load) row {
		of := func(m api.Mode) opener {
			open := func() (planes, error) { return overWire(api.Config{Mode: m, Buffers: 4096}, 0) }
			return func() (*subject, error) { return planeTCP(open, n, serve, work) }
		}
		return row{
			name: name, what: what + ", modes of the lcores of two planes on two CPUs", unit: unit, cpus: 2, slow: true,
			sides: []side{ours("locked", of(api.ModeLocked)), ours("shared", of(api.ModeShared))},
		}
	}
	return []row{
		pair("mode-pair-bulk", "bulk, one flow", "KiB", 1, serveBulk, flow),
		pair("mode-pair-rr", "exchange of 64 B, 1 connection", "exchange", 1, serveEcho, request),
		modes("mode-rr-1", "one request at a time", "request", web(1), servedBy(goHTTP)),
		modes("mode-rr-100", "100 connections", "request", web(100), servedBy(goHTTP)),
		modes("mode-udp", "UDP echo, 32 on the way", "echo", gen.Config{Flows: 32, Request: make([]byte, msgSize)}, goEcho),
	}
}
