package udp

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

func TestBindErrors(t *testing.T) {
	r := newRig(t, 0)
	a := r.bind(ours, port)
	r.errno("again", r.udp.Bind(&a.Sock, name(ours, port+1)), syscall.EINVAL)
	b := r.udp.NewSock()
	r.errno("taken", r.udp.Bind(&b.Sock, name(ours, port)), syscall.EADDRINUSE)
	r.errno("no port", r.udp.Bind(&b.Sock, name(ours, 0)), syscall.EINVAL)
	if l, rem := b.Names(); l != (sock.Name{}) || rem != (sock.Name{}) {
		t.Error("has a name after all")
	}
	r.errno("other address", r.udp.Bind(&b.Sock, name(second, port)), 0)
	// Both must want to share.
	c := r.udp.NewSock()
	c.Opt.ReuseAddr = true
	r.errno("one-sided", r.udp.Bind(&c.Sock, name(ours, port)), syscall.EADDRINUSE)
	r.errno("listen", r.udp.Listen(&c.Sock, 1), syscall.EOPNOTSUPP)
	if r.udp.Len() != 2 {
		t.Errorf("%d sockets", r.udp.Len())
	}
}

func TestConnect(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	r.connect(s, peer, far)
	if !s.Has(sock.FlagConnected) || s.Local != ours {
		t.Errorf("connected from %v", s.Local)
	}
	r.send(s, peer, far, []byte("x"))
	r.only("connected")
	// Sending elsewhere is allowed, as on Linux.
	r.send(s, peer, far+1, []byte("x"))
	if _, u := r.only("elsewhere"); u.DstPort != far+1 {
		t.Errorf("%+v", u)
	}
	// Another peer.
	r.connect(s, peer, far+2)
	r.verdict("old peer", r.recv(dgram{}), perf.DropUDPNoPort)
	r.sent()
	r.verdict("new peer", r.recv(dgram{sport: far + 2, data: []byte("y")}), perf.Delivered)
	r.want(s, "new peer", "y")
	// And none.
	r.errno("disconnect", r.udp.Connect(&s.Sock, sock.Name{}, sock.Name{}), 0)
	if l, rem := s.Names(); l != name(ip.Addr{}, port) || rem != (sock.Name{}) || s.Has(sock.FlagConnected) {
		t.Errorf("names %v %v", l, rem)
	}
	r.verdict("anybody", r.recv(dgram{dst: second, data: []byte("z")}), perf.Delivered)
	r.want(s, "anybody", "z")
	r.errno("disconnect again", r.udp.Connect(&s.Sock, sock.Name{}, sock.Name{}), 0)
}

func TestConnectErrors(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ours, port)
	r.errno("no port", r.udp.Connect(&s.Sock, sock.Name{}, name(peer, 0)), syscall.EINVAL)
	r.errno("no address", r.udp.Connect(&s.Sock, sock.Name{}, name(ip.Addr{}, 1)), syscall.EINVAL)
	r.errno("no route", r.udp.Connect(&s.Sock, sock.Name{}, name(ip.From4([4]byte{8, 8, 8, 8}), 1)), syscall.ENETUNREACH)
	r.errno("unbound", r.udp.Connect(&r.udp.NewSock().Sock, sock.Name{}, name(peer, far)), syscall.EINVAL)
	r.connect(s, peer, far)
	twin := r.bind(ours, port)
	r.errno("taken", r.udp.Connect(&twin.Sock, sock.Name{}, name(peer, far)), syscall.EADDRINUSE)
	r.verdict("still bound", r.recv(dgram{src: other, data: []byte("x")}), perf.Delivered)
	r.want(twin, "still bound", "x")
	if r.udp.Len() != 2 {
		t.Errorf("%d sockets", r.udp.Len())
	}
}

// TestConnectUnbound: inet gives the port with the call.
func TestConnectUnbound(t *testing.T) {
	r := newRig(t, 0)
	s := r.udp.NewSock()
	r.errno("connect", r.udp.Connect(&s.Sock, name(second, port), name(peer, far)), 0)
	r.send(s, peer, far, []byte("x"))
	if h, _ := r.only("datagram"); !h.SrcIP.Equal(second.Netip().AsSlice()) {
		t.Errorf("from %v", h.SrcIP)
	}
}

// TestClose: nothing comes any more, what was sent leaves still.
func TestClose(t *testing.T) {
	r := newRig(t, 0)
	for _, connected := range []bool{false, true} {
		s := r.bind(second, port)
		if connected {
			r.connect(s, peer, far)
		}
		r.link.full = true
		for range 300 {
			r.queue(s, sock.Datagram{Peer: name(peer, far)}, []byte("x"))
		}
		s.Kick(sock.ReqClose)
		for range 5 {
			r.turn()
		}
		if s.Has(sock.FlagDead) || r.udp.Len() != 0 {
			t.Error("dead too early, or still in the table")
		}
		r.verdict("closed", r.recv(dgram{dst: second}), perf.DropUDPNoPort)
		r.link.full = false
		for range 20 {
			r.turn()
		}
		n := 0
		for _, p := range r.sent() {
			if u := p.TransportLayer(); u != nil {
				n++
				if src := p.NetworkLayer().NetworkFlow().Src().String(); src != second.String() {
					t.Errorf("from %v", src)
				}
			}
		}
		if n != 300 || !s.Has(sock.FlagDead) {
			t.Errorf("connected %v: %d left, dead %v", connected, n, s.Has(sock.FlagDead))
		}
		r.errno("bind after close", r.udp.Bind(&s.Sock, name(ours, 1)), syscall.EINVAL)
		r.errno("connect after close", r.udp.Connect(&s.Sock, sock.Name{}, name(peer, far)), syscall.EINVAL)
	}
}

func TestLayerClose(t *testing.T) {
	r := newRig(t, 0)
	a, b := r.bind(ours, port), r.bind(second, port)
	r.connect(b, peer, far)
	r.udp.Close(r.now)
	if !a.Has(sock.FlagDead) || !b.Has(sock.FlagDead) || r.udp.Len() != 0 {
		t.Error("sockets live on")
	}
}

func TestOptions(t *testing.T) {
	r := newRig(t, 0)
	s := r.bind(ip.Addr{}, port)
	for _, c := range []struct {
		level, name, set int
		errno            syscall.Errno
		get              int
	}{
		{syscall.IPPROTO_IP, syscall.IP_TTL, 9, 0, 9},
		{syscall.IPPROTO_IP, syscall.IP_TTL, 0, syscall.EINVAL, 9},
		{syscall.IPPROTO_IP, syscall.IP_TTL, 256, syscall.EINVAL, 9},
		{syscall.IPPROTO_IP, syscall.IP_TTL, -1, 0, 64},
		{syscall.IPPROTO_IP, syscall.IP_TOS, 0x28, 0, 0x28},
		{syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, 2, 0, 2},
		{syscall.IPPROTO_IP, syscall.IP_MTU_DISCOVER, 7, syscall.EINVAL, 2},
	} {
		r.errno("set", s.Sock.SetInt(c.level, c.name, c.set), c.errno)
		if v, errno := s.Sock.GetInt(c.level, c.name); v != c.get || errno != 0 {
			t.Errorf("option %d: %d %v, want %d", c.name, v, errno, c.get)
		}
	}
	for _, o := range [][2]int{{syscall.IPPROTO_IP, 999}, {syscall.IPPROTO_UDP, 103}, {syscall.IPPROTO_TCP, 1}, {syscall.SOL_SOCKET, 999}} {
		r.errno("unknown", s.Sock.SetInt(o[0], o[1], 1), syscall.ENOPROTOOPT)
		_, errno := s.Sock.GetInt(o[0], o[1])
		r.errno("unknown", errno, syscall.ENOPROTOOPT)
	}
	_, errno := s.Sock.GetInt(syscall.IPPROTO_IP, syscall.IP_MTU)
	r.errno("IP_MTU", errno, syscall.ENOTCONN)
	r.send(s, peer, far, []byte("x"))
	if h, _ := r.only("options"); h.TOS != 0x28 || h.TTL != 64 {
		t.Errorf("%+v", h)
	}
}

// TestTableModel binds, connects and closes at random and compares who hears
// what with a plain search.
func TestTableModel(t *testing.T) {
	for seed := range uint64(20) {
		g := rand.New(rand.NewPCG(seed, 2))
		r := newRig(t, 0)
		addrs := []ip.Addr{{}, ours, second}
		var live []*Sock
		for step := range 300 {
			switch k := g.IntN(5); {
			case k == 0 || len(live) < 2:
				s := r.udp.NewSock()
				s.Opt.ReuseAddr = g.IntN(3) > 0
				if r.udp.Bind(&s.Sock, name(addrs[g.IntN(3)], port+uint16(g.IntN(2)))) == 0 {
					live = append(live, s)
				}
			case k == 1:
				s := live[g.IntN(len(live))]
				to := name(peer, far+uint16(g.IntN(2)))
				if g.IntN(3) == 0 {
					to = sock.Name{}
				}
				r.udp.Connect(&s.Sock, sock.Name{}, to)
			case k == 2 && len(live) > 6:
				i := g.IntN(len(live))
				live[i].Kick(sock.ReqClose)
				r.turn()
				live = append(live[:i], live[i+1:]...)
			default:
				d := dgram{dst: addrs[1+g.IntN(2)], sport: far + uint16(g.IntN(2)), dport: port + uint16(g.IntN(2)), data: []byte("m")}
				v := r.recv(d)
				best, score := []*Sock{}, 0
				for _, s := range live {
					if x := fits(s, d); x > score {
						best, score = []*Sock{s}, x
					} else if x == score && x > 0 {
						best = append(best, s)
					}
				}
				hits := 0
				for _, s := range live {
					if _, _, ok := r.got(s); ok {
						hits++
						if fits(s, d) != score {
							t.Fatalf("seed %d step %d: not the best", seed, step)
						}
					}
				}
				if (hits == 1) != (len(best) > 0) || (v == perf.Delivered) != (hits == 1) {
					t.Fatalf("seed %d step %d: %d heard it, %v", seed, step, hits, v)
				}
				for _, m := range r.take(r.link) {
					r.pool.Free(m)
				}
			}
			if r.udp.Len() != len(live) {
				t.Fatalf("seed %d step %d: %d in the tables, %d live", seed, step, r.udp.Len(), len(live))
			}
		}
	}
}

// fits scores how well s fits d; 0: not at all.
func fits(s *Sock, d dgram) int {
	switch {
	case s.LocalPort != d.dport, !s.Local.IsZero() && s.Local != d.dst:
		return 0
	case s.RemotePort != 0:
		if s.Remote == peer && s.RemotePort == d.sport {
			return 3
		}
		return 0
	case !s.Local.IsZero():
		return 2
	}
	return 1
}
