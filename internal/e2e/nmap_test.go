package e2e

import (
	"regexp"
	"testing"
	"time"
)

// TestNmap asks nmap what it thinks of an open and a closed port of the plane, by
// every kind of probe.
func TestNmap(t *testing.T) {
	b := newBed(t)
	serveTCP(t, b.plane.Listen, planeIP+":7", echo)
	serveUDP(t, b.plane.ListenPacket, planeIP+":7")
	for _, c := range []struct{ scan, ports, open, closed string }{
		{"-sS", "7,8", "7/tcp +open ", "8/tcp +closed "},
		{"-sT", "7,8", "7/tcp +open ", "8/tcp +closed "},
		{"-sU", "7,8", "7/udp +open ", "8/udp +closed "},
		{"-sN", "7,8", `7/tcp +open\|filtered`, "8/tcp +closed "},
		{"-sF", "7,8", `7/tcp +open\|filtered`, "8/tcp +closed "},
		{"-sX", "7,8", `7/tcp +open\|filtered`, "8/tcp +closed "},
		{"-sM", "7,8", "7/tcp +closed ", "8/tcp +closed "}, // FIN and ACK: a listener resets too (RFC 9293 3.10.7.2)
		{"-sA", "7,8", "7/tcp +unfiltered ", "8/tcp +unfiltered "},
		{"-sO", "1,6,17,99", `1 +open `, "99 +closed "},
	} {
		t.Run(c.scan, func(t *testing.T) {
			out := tool(t, 20*time.Second, "nmap", "-n", "-Pn", "--disable-arp-ping", "--max-retries", "2", "--host-timeout", "15s",
				"--reason", c.scan, "-p", c.ports, planeIP)
			if !regexp.MustCompile(c.open).MatchString(out) || !regexp.MustCompile(c.closed).MatchString(out) {
				t.Errorf("want %q and %q:\n%s", c.open, c.closed, out)
			}
		})
	}
}
