package e2e

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"dataplane/api"
)

func prefixes(all ...string) (p []netip.Prefix) {
	for _, s := range all {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

// TestRejected: what a firewall answers becomes the same error at the plane's
// dial as at the kernel's, except that "unreachable" may pass (RFC 1122 4.2.3.9):
// the plane keeps trying until its time is up.
func TestRejected(t *testing.T) {
	b := newBed(t)
	for _, c := range []struct {
		answer string
		soft   bool
	}{
		{"tcp reset", false}, {"icmp type port-unreachable", false}, {"icmp type prot-unreachable", false},
		{"icmp type admin-prohibited", false}, {"icmp type net-prohibited", false}, {"icmp type host-prohibited", false},
		{"icmp type host-unreachable", true}, {"icmp type net-unreachable", true},
	} {
		t.Run(c.answer, func(t *testing.T) {
			nft(t, `table ip rejects {
	chain in {
		type filter hook input priority 0
		tcp dport 99 reject with `+c.answer+`
	}
}`)
			defer tool(t, 5*time.Second, "nft", "delete", "table", "ip", "rejects")
			ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
			defer cancel()
			var d net.Dialer
			_, want := d.DialContext(ctx, "tcp", "127.0.0.1:99")
			if c.soft {
				want = &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
			}
			if _, got := b.plane.DialContext(ctx, "tcp", kernelIP+":99"); describe(got) != describe(want) {
				t.Errorf("plane: %s, want %s", describe(got), describe(want))
			}
		})
	}
}

// TestNobodyThere: an address that nobody has.
func TestNobodyThere(t *testing.T) {
	b := newBed(t)
	for _, w := range []struct {
		name string
		dial dialer
	}{{"kernel", net.Dial}, {"plane", b.plane.Dial}} {
		t.Run(w.name, func(t *testing.T) {
			start := time.Now()
			_, err := w.dial("tcp", "10.9.0.77:1")
			if took := time.Since(start); !errors.Is(err, syscall.EHOSTUNREACH) || took > 20*time.Second {
				t.Errorf("dial: %v after %v", err, took)
			}
		})
	}
	c, err := b.plane.Dial("udp", "10.9.0.78:1")
	must(t, err)
	defer c.Close()
	soon(t, c)
	_, err = c.Write([]byte("x"))
	must(t, err)
	if _, err = c.Read(make([]byte, 1)); !errors.Is(err, syscall.EHOSTUNREACH) {
		t.Errorf("udp read: %v", err)
	}
	for _, network := range []string{"tcp", "udp"} { // no route at all
		if _, err := b.plane.Dial(network, "192.0.2.1:1"); !errors.Is(err, syscall.ENETUNREACH) {
			t.Errorf("%s without a route: %v", network, err)
		}
	}
}

// TestPeerVanishes: keepalive, and data that nobody acknowledges, end a connection
// whose peer is gone.
func TestPeerVanishes(t *testing.T) {
	b := newBed(t)
	addr := serveTCP(t, net.Listen, kernelIP+":7", echo)
	c, err := b.plane.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	soon(t, c)
	roundTrip(t, c, 1000)
	must(t, c.(*api.TCPConn).SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: time.Second, Interval: time.Second, Count: 2}))
	nft(t, `table ip gone {
	chain in {
		type filter hook input priority 0
		tcp dport 7 drop
	}
}`)
	defer tool(t, 5*time.Second, "nft", "delete", "table", "ip", "gone")
	start := time.Now()
	_, err = c.Read(make([]byte, 1))
	if took := time.Since(start); !errors.Is(err, syscall.ETIMEDOUT) || took < 2*time.Second || took > 20*time.Second {
		t.Errorf("read: %v after %v", err, took)
	}
	if _, err = c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("write after it: %v", err)
	}
}

// TestSamePort: the kernel comes again from the port that the plane still holds in
// TIME-WAIT, as it closed first (RFC 6191, 9293 3.10.7.4).
func TestSamePort(t *testing.T) {
	b := newBed(t)
	addr := serveTCP(t, b.plane.Listen, planeIP+":13", func(c net.Conn) { c.Write([]byte("now")) })
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(kernelIP), Port: 40000}, Timeout: 5 * time.Second,
		Control: func(_, _ string, c syscall.RawConn) (err error) {
			e := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1) })
			return errors.Join(err, e)
		}}
	slow := 0
	for i := range 50 {
		start := time.Now()
		c, err := d.Dial("tcp", addr)
		for errors.Is(err, syscall.EADDRNOTAVAIL) && time.Since(start) < 5*time.Second {
			time.Sleep(time.Millisecond) // the kernel's last ACK is not there yet
			c, err = d.Dial("tcp", addr)
		}
		if err != nil {
			t.Fatalf("dial %d: %v", i, err)
		}
		soon(t, c)
		if n, err := readAll(c); n != 3 {
			t.Errorf("%d: %d bytes, %v", i, n, err)
		}
		c.Close()
		if time.Since(start) > time.Second { // a SYN that is not answered is sent again after as long
			slow++
		}
	}
	if slow > 5 {
		t.Errorf("%d of 50 took more than a second", slow)
	}
}

// TestBroadcast sends datagrams to everybody, both ways.
func TestBroadcast(t *testing.T) {
	b := newBed(t)
	p, err := b.plane.ListenPacket("udp", ":5000")
	must(t, err)
	defer p.Close()
	soon(t, p)
	k, err := net.ListenPacket("udp", "0.0.0.0:5000")
	must(t, err)
	defer k.Close()
	soon(t, k)
	to := &net.UDPAddr{IP: net.ParseIP("10.9.0.255"), Port: 5000}
	must(t, p.(*api.UDPConn).SetBroadcast(false))
	_, err = p.WriteTo([]byte("all"), to)
	if !errors.Is(err, syscall.EACCES) {
		t.Errorf("broadcast without leave: %v", err)
	}
	must(t, p.(*api.UDPConn).SetBroadcast(true))
	for _, ip := range []string{"10.9.0.255", "255.255.255.255"} {
		to.IP = net.ParseIP(ip)
		if _, err = p.WriteTo([]byte("all"), to); err != nil {
			t.Errorf("to %s: %v", ip, err)
			continue
		}
		buf := make([]byte, 10)
		n, from, err := k.ReadFrom(buf)
		must(t, err)
		if string(buf[:n]) != "all" || from.String() != planeIP+":5000" {
			t.Errorf("%q from %v", buf[:n], from)
		}
	}
	to.IP = net.ParseIP("10.9.0.255")
	_, err = k.WriteTo([]byte("each"), to) // Go's sockets may
	must(t, err)
	buf := make([]byte, 10)
	for { // our own broadcast may come first
		n, from, err := p.ReadFrom(buf)
		must(t, err)
		if string(buf[:n]) == "each" && from.String() == kernelIP+":5000" {
			return
		}
	}
}
