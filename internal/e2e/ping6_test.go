package e2e

import (
	"strings"
	"testing"
	"time"

	"dataplane/ip"
)

func TestPing6(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			b := newBed6(t, w.set)
			linkLocal := ip.LinkLocal(b.plane.Ports()[0].MAC).String() + "%" + device
			for _, args := range []string{
				"-c 3 -i 0.05 " + planeIP6,
				"-c 3 -i 0.05 " + linkLocal,
				"-c 3 -i 0.05 ff02::1%" + device,
				"-c 3 -i 0.05 -s 0 " + planeIP6,
				"-c 3 -i 0.05 -s 1452 -M do " + planeIP6,
				"-c 3 -i 0.05 -s 1453 " + planeIP6,
				"-c 3 -i 0.05 -s 65000 " + planeIP6,
				"-f -c 2000 " + planeIP6,
			} {
				ping6(t, b, args)
			}
		})
	}
}

// ping6 is ping for IPv6.
func ping6(t *testing.T, b *bed, args string) {
	t.Helper()
	for attempt := range 3 {
		out := tool(t, 20*time.Second, "ping", strings.Fields("-6 -n -W 2 "+args)...)
		sent, got := pinged(t, out)
		switch {
		case strings.Contains(out, "wrong data") || got < sent && attempt == 2:
			t.Errorf("ping %s: drops of our own: %s\n%s", args, b.dropped(), out)
		case got < sent:
			t.Logf("ping %s: %d of %d; drops of our own: %s", args, got, sent, b.dropped())
			continue
		}
		return
	}
}
