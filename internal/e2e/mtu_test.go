package e2e

import (
	"net"
	"testing"

	"dataplane/api"
)

// TestMTU moves bytes on links with long and with short frames.
func TestMTU(t *testing.T) {
	for _, mtu := range []int{576, 9000, 65521} {
		for name, set := range map[string]func(*api.Config){"offloads": func(*api.Config) {}, "plain": plain} {
			t.Run(itoa(mtu)+" "+name, func(t *testing.T) {
				b := newBed(t, func(c *api.Config) { c.Ports[0].MTU = mtu }, set)
				t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, 4<<20) })
				t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, 4<<20) })
				c, err := net.Dial("udp", serveUDP(t, b.plane.ListenPacket, planeIP+":7"))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				exchange(t, c)
			})
		}
	}
}
