package main

import "dataplane/api"

// httpConns is how many connections are kept alive.
const httpConns = 64

// httpRows ask a web server.
func httpRows() []row {
	inside := func(serve func(*api.TCPListener) error) opener {
		return func() (*subject, error) { return planeInside(httpConns, serve, newHTTP) }
	}
	goals := func(side string) []goal {
		return []goal{
			{side: side, against: "gvisor", must: 5, aim: 12},
			{side: side, against: "linux-lo", must: 4, aim: 10},
		}
	}
	return []row{{
		num: "18", name: "http", what: "HTTP/1.1 requests, 64 connections kept alive", unit: "request",
		sides: []side{
			ours("fasthttp", inside(fastHTTP)),
			ours("khttp", inside(kHTTP)),
			{name: "net/http", plane: true, alloc: true, open: func() (*subject, error) { return planeNetHTTP(httpConns) }},
			theirs("gvisor", func() (*subject, error) { return gvisorNetHTTP(httpConns) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.netHTTP(httpConns) }),
		},
		goals: append(goals("fasthttp"), goals("khttp")...),
		note: "fasthttp: resident tasks; khttp: handlers; gvisor and linux-lo: net/http. The client is the same everywhere and in every " +
			"figure: it writes a fixed request, parses the answer's head and compares the body. It runs as resident tasks beside fasthttp " +
			"and khttp, as goroutines elsewhere: on each stack where it costs least.",
	}}
}
