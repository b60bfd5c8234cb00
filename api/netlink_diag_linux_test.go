package api

import (
	"net"
	"syscall"
	"testing"

	"dataplane/netlink"
)

// all gathers what a listing shows.
func all(n *Net, protocol int) (list []netlink.Diag) {
	next := linked{n}.Sockets(protocol)
	for some := next(); len(some) > 0; some = next() {
		list = append(list, some...)
	}
	return list
}

// Connections are listed once, and so is what has a part on every lcore.
func TestSocketsListed(t *testing.T) {
	a, b, err := Pipe(Config{}, Config{Lcores: []int{AnyCPU, AnyCPU}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNet(t, a)
	defer closeNet(t, b)
	l, err := b.Listen("tcp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pc, err := b.ListenPacket("udp", ":9")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	const conns = 50
	var open []net.Conn
	for range conns {
		c, err := a.Dial("tcp", "10.0.0.2:7")
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c, s)
	}
	count := map[uint8]int{}
	for _, d := range all(b, syscall.IPPROTO_TCP) {
		count[d.State]++
		if d.State == 1 && (len(d.Info) == 0 || d.Congestion == "" || d.Local.Port != 7 || d.Core < 0) {
			t.Errorf("%+v", d)
		}
	}
	if count[1] != conns || count[10] != 1 || len(count) != 2 {
		t.Errorf("TCP by state: %v", count)
	}
	if got := all(b, syscall.IPPROTO_UDP); len(got) != 1 || got[0].State != 7 || got[0].Local.Port != 9 || got[0].Core != -1 {
		t.Errorf("UDP: %+v", got)
	}
	for _, c := range open {
		c.Close()
	}
	u, err := a.Dial("udp", "10.0.0.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if got := all(a, syscall.IPPROTO_UDP); len(got) != 1 || got[0].State != 1 || got[0].Remote.Port != 9 {
		t.Errorf("connected UDP: %+v", got)
	}
	if (linked{b}).Sockets(99) != nil {
		t.Error("there is no protocol 99")
	}
}
