package main

import (
	"slices"

	"dataplane/api"
)

// httpConns is how many connections are kept alive.
const httpConns = 64

// httpRows ask a web server.
func httpRows() []row {
	inside := func(serve func(*api.TCPListener) error) opener {
		return func() (*subject, error) { return planeInside(openPlanes, httpConns, serve, newHTTP) }
	}
	goals := func(side string) []goal {
		return []goal{
			{side: side, against: "gvisor", must: 5, aim: 12},
			{side: side, against: "linux-lo", must: 4, aim: 10},
		}
	}
	rooted := func(name string, plane, alloc bool, open opener) side {
		return side{name: name, plane: plane, alloc: alloc, root: true, open: open}
	}
	overTAP := row{
		name: "http-wrk", what: "the same asked by wrk, over TAP; linux-lo over its loopback", unit: "request", window: wrkLeast,
		sides: []side{
			rooted("fasthttp", true, false, func() (*subject, error) { return planeWrk(0, fastHTTP) }),
			rooted("khttp", true, false, func() (*subject, error) { return planeWrk(1, kHTTP) }),
			rooted("gvisor", false, true, func() (*subject, error) { return gvisorWrk(2) }),
			rooted("linux-lo", false, true, linuxWrk),
		},
		note: "CPU time is the server's, with the kernel's work in its system calls: over TAP that is a part of wrk's own TCP. " +
			"wrk runs on another CPU.",
	}
	requests := row{
		num: "18", name: "http", what: "HTTP/1.1 requests, 64 connections kept alive", unit: "request",
		sides: []side{
			ours("fasthttp", inside(fastHTTP)),
			ours("khttp", inside(kHTTP)),
			{name: "net/http", plane: true, alloc: true, open: func() (*subject, error) { return planeNetHTTP(httpConns) }},
			theirs("gvisor", func() (*subject, error) { return gvisorHTTP(httpConns, netHTTP) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.http(httpConns, netHTTP) }),
			extra(theirs("gvisor-fast", func() (*subject, error) { return gvisorHTTP(httpConns, goFastHTTP) })),
			extra(theirs("linux-lo-fast", func() (*subject, error) { return loopback.http(httpConns, goFastHTTP) })),
		},
		goals: slices.Concat(goals("fasthttp"), goals("khttp"), []goal{
			{side: "fasthttp", against: "gvisor-fast"}, {side: "fasthttp", against: "linux-lo-fast"},
			{side: "net/http", against: "gvisor"}, {side: "net/http", against: "linux-lo"},
		}),
		note: "fasthttp: resident tasks; khttp: handlers; gvisor and linux-lo: net/http; -fast: fasthttp, a goroutine for each connection. The client is the same everywhere and in every " +
			"figure: it writes a fixed request, parses the answer's head and compares the body. It runs as resident tasks beside fasthttp " +
			"and khttp, as goroutines elsewhere: on each stack where it costs least.",
	}
	return []row{requests, overTAP}
}
