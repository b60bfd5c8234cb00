package e2e

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"dataplane/api"
	"dataplane/perf"
	"dataplane/pmd"
	"dataplane/pmd/fault"
)

// sysctl sets a value of net.ipv4 in the namespace until the end of the test.
func sysctl(t testing.TB, name, value string) {
	t.Helper()
	path := "/proc/sys/net/ipv4/" + name
	old, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, []byte(value), 0))
	t.Cleanup(func() { os.WriteFile(path, old, 0) })
}

// TestKernelOptions: the kernel without one or the other of TCP's options, on a
// link that loses a little.
func TestKernelOptions(t *testing.T) {
	for _, set := range []string{
		"tcp_sack=0", "tcp_timestamps=0", "tcp_window_scaling=0", "tcp_ecn=1", "tcp_dsack=0",
		"tcp_sack=0 tcp_timestamps=0 tcp_window_scaling=0",
		"tcp_rmem=4096 4096 4096", "tcp_wmem=4096 4096 4096",
	} {
		t.Run(set, func(t *testing.T) {
			for s := range strings.SplitSeq(set, " tcp_") {
				name, value, _ := strings.Cut(strings.TrimPrefix(s, "tcp_"), "=")
				sysctl(t, "tcp_"+name, value)
			}
			n := int64(4 << 20)
			if strings.Contains(set, "mem=") {
				n = 512 << 10
			}
			b := newBed(t, plain)
			t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, n) })
			t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, n) })
			if !strings.Contains(set, "mem=") {
				lossy(t, 1)
				t.Run("loss", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, 1<<20) })
			}
		})
	}
}

// TestFault spoils what the plane sends and receives in every way at once.
func TestFault(t *testing.T) {
	bad := fault.Impair{
		Lose: 0.005, Duplicate: 0.01, Reorder: 0.02, Corrupt: 0.005, Truncate: 0.002,
		Delay: 200 * perf.Microsecond, Jitter: 300 * perf.Microsecond,
	}
	for name, set := range map[string]func(*api.Config){"offloads": func(*api.Config) {}, "plain": plain} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t, set, func(c *api.Config) {
				c.Ports[0].Wrap = func(p pmd.Port) (pmd.Port, error) {
					return fault.Wrap(p, fault.Config{Seed: 7, Rx: bad, Tx: bad}), nil
				}
			})
			base, _ := b.plane.Buffers()
			t.Run("kernel dials", func(t *testing.T) { bulk(t, net.Dial, b.plane.Listen, planeIP, 1<<20) })
			t.Run("plane dials", func(t *testing.T) { bulk(t, b.plane.Dial, net.Listen, kernelIP, 1<<20) })
			b.quiet(base)
		})
	}
}

// TestTwoPorts: a plane on two links answers each on its own.
func TestTwoPorts(t *testing.T) {
	b := newBed(t, func(c *api.Config) {
		second := c.Ports[0]
		second.Device = device + "b"
		second.Addrs = prefixes("10.8.0.2/24", "10.8.0.3/24")
		second.Options = map[string]string{"host-addr": "10.8.0.1/24"}
		c.Ports = append(c.Ports, second)
	})
	serveTCP(t, b.plane.Listen, ":7", echo)
	serveUDP(t, b.plane.ListenPacket, ":7")
	serveUDP(t, b.plane.ListenPacket, "10.8.0.3:8") // port 7 answers from a link's first address, as on Linux
	for _, ip := range []string{planeIP, "10.8.0.2", "10.8.0.3"} {
		must(t, short(net.Dial, ip+":7", 20))
		port := ":7"
		if ip == "10.8.0.3" {
			port = ":8"
		}
		c, err := net.Dial("udp", ip+port) // connected: an answer from another address would be lost
		must(t, err)
		exchange(t, c)
		c.Close()
	}
	for _, kernel := range []string{kernelIP, "10.8.0.1"} {
		addr := serveTCP(t, net.Listen, kernel+":0", echo)
		must(t, short(b.plane.Dial, addr, 20))
		c, err := b.plane.Dial("tcp", addr)
		must(t, err)
		want := map[string]string{kernelIP: planeIP, "10.8.0.1": "10.8.0.2"}[kernel]
		if got := c.LocalAddr().(*net.TCPAddr).IP.String(); got != want {
			t.Errorf("to %s from %s, want %s", kernel, got, want)
		}
		c.Close()
	}
}

// TestManyOpen holds 4,000 connections at once.
func TestManyOpen(t *testing.T) {
	for _, w := range []int{0, 3} {
		t.Run(ways[w].name, func(t *testing.T) {
			b := newBed(t, ways[w].set)
			addr := serveTCP(t, b.plane.Listen, planeIP+":7", echo)
			var all []net.Conn
			defer func() {
				for _, c := range all {
					c.Close()
				}
			}()
			for i := range 4000 {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatalf("connection %d: %v", i, err)
				}
				all = append(all, c)
			}
			for _, c := range all {
				soon(t, c)
				if _, err := fmt.Fprintf(c, "hello"); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]byte, 5)
			for i, c := range all {
				if _, err := c.Read(got); err != nil || string(got) != "hello" {
					t.Fatalf("connection %d: %q %v", i, got, err)
				}
			}
		})
	}
}
