package main

import "fmt"

// echoRows have the kernel's UDP sockets at the other end of a TAP device, and of
// a veth that we have by AF_XDP.
func echoRows() []row {
	const note = "The client, a socket of the kernel's, is another process on the same CPU, and not in the figures: " +
		"it sends a burst, and we answer it when the client waits. raw: the driver's queue echoes frames, with nothing above it. All sleep when there is nothing. " +
		"Softirq work is with whoever sends: the kernel's delivery of our answers to the client's socket is ours, and the same for all."
	echo := func(num string, link linkKind, burst int, what string) row {
		of := func(serve func(*echoNet) (*subject, error)) opener {
			return func() (*subject, error) { return overKernel(link, burst, serve) }
		}
		r := row{
			num: num, name: fmt.Sprintf("echo-%s-%d", link.name, burst),
			what: fmt.Sprintf("UDP echo 64 B over %s, %d on the way", what, burst), unit: "echo", note: note,
			sides: []side{
				ours("handler", of(planeEcho(inHandler))),
				ours("resident", of(planeEcho(residentForAll))),
				ours("goroutine", of(planeEcho(onGoroutineForAll))),
				theirs("raw", of(rawEcho)),
			},
			goals: []goal{{side: "handler", against: "raw", atMost: true, must: 1.25, aim: 1.1}},
		}
		for i := range r.sides {
			r.sides[i].root = true
		}
		return r
	}
	return []row{
		echo("14a", tapLinks, wireBurst, "TAP"),
		echo("14b", tapLinks, 8*wireBurst, "TAP"),
		echo("14c", xdpLinks, wireBurst, "AF_XDP on a veth"),
		echo("14d", xdpLinks, 8*wireBurst, "AF_XDP on a veth"),
	}
}
