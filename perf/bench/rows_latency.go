package main

import (
	"net"
	"slices"
	"time"

	"dataplane/internal/jitter"
	"dataplane/internal/latency"
)

// latencyRows are about the time that something takes, and not about its cost.
func latencyRows() []row {
	return []row{closedLoop(), acrossCores(), openLoop(), withNeighbour(), standing()}
}

const calmNote = " Percentiles are of the slices of 250 µs in which the process kept its CPUs; \"disturbed\" is the share left out, \"p99 of all, µs\" has it in."

// times are the goals of a side against another: p50, p99 and p99.9.
func times(side, against string, must, aim float64) []goal {
	var out []goal
	for _, p := range []string{"p50", "p99", "p99.9"} {
		out = append(out, goal{side: side, against: against, measure: p, must: must, aim: aim})
	}
	return out
}

func closedLoop() row {
	service := func(c []net.Conn) load { return &serviceTime{conns: c, place: latency.Goroutines{}} }
	return row{
		num: "9", name: "tcp-rtt", what: "round trip of TCP 64 B, closed loop, one core", unit: "exchange", weight: 5, // p99.9 of the slowest needs 100,000 calm samples
		sides: []side{
			ours("goroutine", func() (*subject, error) { return planeTCP(openPlanes, 1, serveEcho, service) }),
			ours("resident", func() (*subject, error) { return residentTCP(1, inPlace) }),
			theirs("gvisor", func() (*subject, error) { return gvisorTCP(byWire, 1, serveEcho, service) }),
			theirs("linux-lo", func() (*subject, error) { return loopback.tcp(1, serveEcho, service) }),
			extra(theirs("floor", func() (*subject, error) { return floorTCP(floorRing, 1, serveEcho, service) })),
			extra(bareSide(0)),
		},
		goals: slices.Concat(times("goroutine", "gvisor", 6, 12), times("resident", "gvisor", 6, 12),
			times("floor", "gvisor", 0, 0), times("goroutine", "floor", 0, 0), []goal{ownTail(bareName, 0, 0, false)}),
		note: "Service time: the next request waits for the answer." + calmNote + " bare: 2.5 µs of work without a stack, again and again. " + floorNote,
	}
}

func acrossCores() row {
	service := func(c []net.Conn) load { return &serviceTime{conns: c, place: latency.Goroutines{}} }
	return row{
		num: "10", name: "tcp-rtt-cores", what: "round trip of TCP 64 B across two cores, reader spinning", unit: "exchange", cpus: 2,
		sides: []side{
			ours("locked", func() (*subject, error) { return planeAcross(true) }),
			ours("resident", func() (*subject, error) { return planeAcross(false) }),
			ours("reader-spins", func() (*subject, error) { return appAcross(true) }),
			ours("reader-parks", func() (*subject, error) { return appAcross(false) }),
			{name: "linux-veth", root: true, open: func() (*subject, error) { return vethAcross(service, false) }},
			{name: "linux-spinning", root: true, open: func() (*subject, error) { return vethAcross(service, true) }},
		},
		goals: []goal{
			{side: "reader-spins", against: "linux-veth", measure: "p50", must: 10, aim: 25},
			{side: "locked", against: "linux-veth", measure: "p50", must: 10, aim: 25},
		},
		note: "reader-spins: a plane with its lcore locked on one CPU, the server a resident task on it; the client is a goroutine on the other CPU " +
			"that looks on (SO_BUSY_POLL); reader-parks: it parks, and a dispatcher wakes it. resident, locked: two planes, an lcore on each CPU, tasks " +
			"at both ends; with locked both lcores are. Linux: a process on each CPU, package net; spinning: the client asks the kernel again and again." + calmNote,
	}
}

func openLoop() row {
	return row{
		num: "11", name: "tcp-open-50", what: "latency of TCP 64 B, open loop at 50 % of own saturation, 16 connections", unit: "exchange", weight: 1.5, slow: true,
		sides: []side{
			ours("resident", func() (*subject, error) { return residentTCP(16, halfLoad) }),
			{name: "goroutine", plane: true, alloc: true, open: func() (*subject, error) {
				return planeTCP(openPlanes, 16, serveEcho, func(c []net.Conn) load { return halfLoad(c, latency.Goroutines{}) })
			}},
			bareSide(0.5),
		},
		goals: []goal{
			ownTail("resident", 20, 8, true), ownTail("goroutine", 20, 8, true),
			ownTail("resident", 0, 0, false), ownTail("goroutine", 0, 0, false), ownTail(bareName, 0, 0, false),
			{side: "resident", measure: "p99.9", against: bareName, atMost: true}, {side: "goroutine", measure: "p99.9", against: bareName, atMost: true},
		},
		note: "From when a request was meant to leave (no coordinated omission); equal gaps." + calmNote +
			" bare: one goroutine that works 2.5 µs when it should, without a stack: what it has beyond that is the machine's and the runtime's. " +
			"Judged are the blocks in which the bare loop itself would have reached the must; how many they are is said, and what all blocks give.",
	}
}

// ownTail is the goal of a side's p99.9 by its own p50.
func ownTail(side string, must, aim float64, calm bool) goal {
	return goal{side: side, measure: "p99.9", against: side, by: "p50", atMost: true, must: must, aim: aim, calm: calm}
}

// halfLoad is the load of row 11.
func halfLoad(c []net.Conn, p latency.Place) load {
	return &atLoad{serviceTime: serviceTime{conns: c, place: p}, share: 0.5}
}

// inPlace is the load of row 9.
func inPlace(c []net.Conn, p latency.Place) load { return &serviceTime{conns: c, place: p} }

func withNeighbour() row {
	return row{
		num: "15", name: "tcp-rtt-gc", what: "round trip of TCP 64 B on a locked lcore, an application beside it that allocates 1 GB/s", unit: "exchange", cpus: 2, weight: 3, slow: true,
		sides: []side{
			{name: "beside", plane: true, alloc: true, open: func() (*subject, error) { return planeInLoop(1e9) }},
			ours("alone", func() (*subject, error) { return planeInLoop(0) }),
		},
		goals: []goal{{side: "beside", measure: "p99.99", against: "alone", atMost: true, must: 5, aim: 2}},
		note: "Both ends are resident tasks of one plane, over its loopback; its lcore is locked on a CPU of its own, the application has the other, " +
			"holds 64 MiB and runs with GOGC=100. GOMAXPROCS is 4, so that the collector works on a P of its own." + calmNote,
	}
}

func standing() row {
	open := func(s jitter.Subject) func() (*subject, error) {
		return func() (*subject, error) {
			cpu, err := lcoreCPU()
			if err != nil {
				return nil, err
			}
			return &subject{load: gaps{s, cpu}, close: func() error { return nil }}, nil
		}
	}
	r := row{
		num: "17", name: "jitter", what: "gaps over 10 us of a thread that spins", unit: "turn", cpus: 2, window: 400 * time.Millisecond,
		goals: []goal{{side: "lcore", measure: overTen, against: "c-thread", atMost: true, must: 1.5, aim: 1.1}},
		note:  "lcore: the turns of an idle plane, locked and spinning. c-thread: made by pthread_create, signals blocked (built with the tag dpdk only).",
	}
	names := map[string]string{"lcore": "lcore", "Go loop": "go-loop", "C thread": "c-thread"}
	for _, s := range jitter.Subjects() {
		r.sides = append(r.sides, side{name: names[s.Name], plane: s.Name == "lcore", alloc: true, open: open(s)})
	}
	if len(r.sides) < 3 {
		r.sides = append(r.sides, theirs("c-thread", func() (*subject, error) { return nil, skipped("built without the tag dpdk") }))
	}
	return r
}
