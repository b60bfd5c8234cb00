package api

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dataplane/internal/required"
	"dataplane/lcore"
)

// asNet6 is asNet on loopback planes, whose addresses are 127.0.0.1 and ::1.
func asNet6(t *testing.T, scenario func(w *world)) {
	if l, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		required.Skip(t, "the kernel has no ::1: "+err.Error())
	} else {
		l.Close()
	}
	want := kernel(t)
	scenario(want)
	for name, cfg := range map[string]Config{
		"one lcore":  {Mode: lcore.Shared},
		"two lcores": {Mode: lcore.Shared, Lcores: []int{AnyCPU, AnyCPU}},
		"locked":     {Mode: lcore.Locked},
	} {
		t.Run(name, func(t *testing.T) {
			w := loopbackWorld(cfg)(t)
			scenario(w)
			for i, line := range w.lines {
				if i < len(want.lines) && line != want.lines[i] {
					t.Fatalf("got  %s\nwant %s", line, want.lines[i])
				}
			}
			if len(w.lines) != len(want.lines) {
				t.Errorf("%d lines, want %d", len(w.lines), len(want.lines))
			}
		})
	}
}

// place is an address without its port.
func place(a net.Addr) string {
	if a == nil {
		return "nobody"
	}
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	return ap.Addr().String()
}

func portOfAddr(a net.Addr) int {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.Port
	case *net.UDPAddr:
		return a.Port
	}
	return 0
}

var hosts6 = []string{"", "0.0.0.0", "[::]", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"}

// TestAsNetFamilies: who listens where hears whom, and what the ends are called.
func TestAsNetFamilies(t *testing.T) {
	asNet6(t, func(w *world) {
		for _, network := range []string{"tcp", "tcp4", "tcp6"} {
			for _, host := range hosts6 {
				if network == "tcp6" && host == "localhost" {
					continue // not every machine's has an IPv6 address
				}
				l, err := w.listen(network, host+":0")
				w.err(fmt.Sprint("listen ", network, " ", host), err)
				if err != nil {
					continue
				}
				w.logf("at %s", place(l.Addr()))
				for _, c := range [][2]string{{"tcp", "127.0.0.1"}, {"tcp", "[::1]"}, {"tcp4", "[::1]"}, {"tcp6", "127.0.0.1"}, {"tcp6", "[::1]"}, {"tcp4", ""}, {"tcp", "[::ffff:127.0.0.1]"}} {
					w.meet(l, c[0], fmt.Sprintf("%s:%d", c[1], portOfAddr(l.Addr())))
				}
				l.Close()
			}
		}
	})
}

// meet dials l, and writes down who has met.
func (w *world) meet(l net.Listener, network, at string) {
	host := at[:strings.LastIndex(at, ":")]
	c, err := w.dial(w.Context(), network, at)
	w.err(fmt.Sprintf("dial %s %s", network, host), err)
	if err != nil {
		return
	}
	defer c.Close()
	l.(interface{ SetDeadline(time.Time) error }).SetDeadline(time.Now().Add(20 * time.Second))
	s, err := l.Accept()
	if err != nil {
		w.Fatal(err)
	}
	defer s.Close()
	w.logf("%s - %s, %s - %s", place(c.LocalAddr()), place(c.RemoteAddr()), place(s.LocalAddr()), place(s.RemoteAddr()))
	c.Write([]byte("hello"))
	b := make([]byte, 9)
	n, err := s.Read(b)
	w.result("read "+string(b[:n]), n, err)
}

// TestAsNetFamiliesPacket: the same of datagrams.
func TestAsNetFamiliesPacket(t *testing.T) {
	asNet6(t, func(w *world) {
		for _, network := range []string{"udp", "udp4", "udp6"} {
			for _, host := range hosts6 {
				if network == "udp6" && host == "localhost" {
					continue
				}
				p, err := w.packet(network, host+":0")
				w.err(fmt.Sprint("listen ", network, " ", host), err)
				if err != nil {
					continue
				}
				w.logf("at %s", place(p.LocalAddr()))
				for _, to := range []string{"127.0.0.1", "::1"} {
					if host == "[::1]" && to != "::1" {
						continue // the kernel sends from 127.0.0.6
					}
					w.exchange(p, to)
				}
				p.Close()
			}
		}
	})
}

// exchange sends a datagram from p to a socket at an address, and one back.
func (w *world) exchange(p net.PacketConn, host string) {
	o, err := w.packet("udp", net.JoinHostPort(host, "0"))
	if err != nil {
		w.Fatal(err)
	}
	defer o.Close()
	n, err := p.WriteTo([]byte("to you"), o.LocalAddr())
	w.result("write to "+host, n, err)
	if err != nil {
		return
	}
	b := make([]byte, 20)
	o.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err := o.ReadFrom(b)
	if err != nil {
		w.Fatal(w.lines, err)
	}
	w.result("read "+string(b[:n]), n, err)
	w.logf("from %s", place(from))
	o.WriteTo([]byte("and you"), from)
	p.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, from, err = p.ReadFrom(b)
	if err != nil {
		w.Fatal(w.lines, err)
	}
	w.result("read "+string(b[:n]), n, err)
	if ap, err := netip.ParseAddrPort(from.String()); err == nil {
		w.logf("from %s", ap.Addr().Unmap())
	}
}

// TestAsNetConflicts: which two may have one port. The wildcard of IPv6 is that of both
// families, unless it is told otherwise.
func TestAsNetConflicts(t *testing.T) {
	asNet6(t, func(w *world) {
		kinds := [][2]string{{"tcp", ""}, {"tcp4", ""}, {"tcp6", ""}, {"tcp", "127.0.0.1"}, {"tcp", "[::1]"}}
		for _, a := range kinds {
			for _, b := range kinds {
				l, err := w.listen(a[0], a[1]+":0")
				if err != nil {
					w.Fatal(err)
				}
				o, err := w.listen(b[0], fmt.Sprintf("%s:%d", b[1], portOfAddr(l.Addr())))
				w.err(fmt.Sprint(a, " beside ", b), err)
				if err == nil {
					o.Close()
				}
				l.Close()
				u, u2 := slices.Clone(a[:]), slices.Clone(b[:])
				u[0], u2[0] = "udp"+u[0][3:], "udp"+u2[0][3:]
				p, err := w.packet(u[0], u[1]+":0")
				if err != nil {
					w.Fatal(err)
				}
				q, err := w.packet(u2[0], fmt.Sprintf("%s:%d", u2[1], portOfAddr(p.LocalAddr())))
				w.err(fmt.Sprint(u, " beside ", u2), err)
				if err == nil {
					q.Close()
				}
				p.Close()
			}
		}
	})
}
