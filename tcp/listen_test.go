package tcp_test

import (
	"syscall"
	"testing"

	"dataplane/internal/wiretest"
	"dataplane/perf"
	"dataplane/sock"
	"dataplane/tcp"
)

// open opens a connection from a port of the test.
func open(w *Wire, from uint16, syn Seg) *Flow {
	f := w.Flow(80, from)
	syn.Flags = SYN
	f.Send(syn)
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{})
	return f
}

// The accept queue is bounded: like Linux one more than the backlog, then SYNs
// are dropped, and handshakes that were under way wait.
func TestBacklog(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 2)
	late := w.Flow(80, 50000)
	late.Send(Seg{Flags: SYN})
	late.Expect(Seg{Flags: SYN | ACK})
	for i := range uint16(3) {
		open(w, 40000+i, Seg{})
	}
	f := w.Flow(80, 41000)
	f.Send(Seg{Flags: SYN})
	late.Send(Seg{})
	w.Quiet()
	if w.Drops(perf.DropTCPBacklog) != 2 {
		t.Errorf("%d drops", w.Drops(perf.DropTCPBacklog))
	}
	ls.Accept()
	late.SetRcv(0)
	w.Until(2 * sec) // the SYN-ACK again asks for the ACK
	late.Expect(Seg{Flags: SYN | ACK, Seq: wiretest.SeqZero})
	late.Send(Seg{})
	for range 3 {
		ls.Accept()
	}
	if ls.TryAccept() != nil {
		t.Error("one too many")
	}
}

// RFC 4987: when the SYN queue is full cookies keep the door open; established
// connections and memory do not suffer.
func TestRFC4987_SynFlood(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	open(w, 40000, Seg{MSS: 1460})
	a := ls.Accept()
	for i := range 8000 {
		f := w.Flow(80, uint16(1024+i))
		f.IRS = uint32(i) * 7919
		f.Send(Seg{Flags: SYN, MSS: 1460})
		w.Flush()
	}
	if _, half, _, _ := w.Stack.TCP.Counts(); half > 8 {
		t.Errorf("%d half-open connections", half)
	}
	f := w.Flow(80, 60000)
	f.Send(Seg{Flags: SYN, MSS: 1400, SackOK: true, TS: true, WScale: 5})
	s := f.Expect(Seg{Flags: SYN | ACK, WScale: 7, SackOK: true})
	if !s.TS {
		t.Error("no timestamps")
	}
	w.Advance(30 * ms)
	w.Flush()
	f.Send(Seg{Data: "hello"})
	c := ls.Accept()
	c.ExpectString("hello")
	w.Flush()
	i := c.TCP().Info()
	if i.MSS != 1360-12 || !i.SACK || !i.Timestamps || i.SndScale != 5 || i.RcvScale != 7 {
		t.Errorf("after a cookie: %+v", i)
	}
	c.WriteString("world")
	f.SetRcv(1)
	f.Expect(Seg{Flags: ACK | PSH, Data: "world"})
	a.WantState(tcp.Established)
	if w.Stat.Events[perf.EvTCPCookieAccepted] != 1 {
		t.Error("no cookie was accepted")
	}
}

// Without timestamps a cookie carries only the MSS; a forged or old one is
// refused.
func TestRFC4987_CookieRefused(t *testing.T) {
	w := wiretest.New(t, wiretest.Config{TCP: tcp.Config{SynBacklog: 1}})
	ls := w.Listen(80, 8)
	w.Flow(80, 39999).Send(Seg{Flags: SYN})
	w.Flush()
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, MSS: 1000, SackOK: true, WScale: 3})
	f.Expect(Seg{Flags: SYN | ACK})
	f.Send(Seg{Ack: 100}) // forged
	f.Expect(Seg{Flags: RST, Seq: 100})
	f.SetRcv(1)
	f.Send(Seg{})
	c := ls.Accept()
	if i := c.TCP().Info(); i.MSS != 536 || i.SACK || i.SndScale != 0 || i.RcvScale != 0 {
		t.Errorf("after a cookie: %+v", i)
	}
	w.Flush()
	g := w.Flow(80, 40001)
	g.Send(Seg{Flags: SYN})
	w.Flush()
	w.Advance(200 * sec)
	w.Flush()
	g.Send(Seg{Seq: 1, Ack: 12345})
	g.Expect(Seg{Flags: RST, Seq: 12345})
}

func TestListenErrors(t *testing.T) {
	w := newWire(t)
	l := w.Stack.TCP
	sk := &l.NewSock().Sock
	if e := l.Listen(sk, 1); e != syscall.EINVAL {
		t.Errorf("listen without a port: %v", e)
	}
	l.Bind(sk, sock.Name{Port: 90})
	if e := l.Listen(sk, -5); e != 0 {
		t.Errorf("listen with a negative backlog: %v", e)
	}
	if e := l.Listen(sk, 5); e != 0 {
		t.Errorf("another backlog: %v", e)
	}
	if e := l.Bind(sk, sock.Name{Port: 91}); e != syscall.EINVAL {
		t.Errorf("bind of a listener: %v", e)
	}
	local, remote := sk.Names()
	if local.Port != 90 || remote.Port != 0 {
		t.Errorf("names %v, %v", local, remote)
	}
}

// A listener bound to the very address comes before one bound to all.
func TestListenSpecific(t *testing.T) {
	w := newWire(t)
	any := w.Listen(80, 8)
	l := w.Stack.TCP
	sk := &l.NewSock().Sock
	l.Bind(sk, sock.Name{Addr: wiretest.Local.As16(), Port: 80})
	l.Listen(sk, 8)
	open(w, 40000, Seg{})
	if any.TryAccept() != nil {
		t.Error("the wildcard got it")
	}
	if w.NewApp(sk).TryAccept() == nil {
		t.Error("the address did not get it")
	}
}

// Listeners that share a port share the connections.
func TestReusePort(t *testing.T) {
	w := newWire(t)
	ls := []*App{w.Listen(80, 64), w.Listen(80, 64), w.Listen(80, 64)}
	for i := range uint16(48) {
		open(w, 40000+i, Seg{})
	}
	sum := 0
	for i, a := range ls {
		n := a.SK.AcceptQ.Len()
		if n == 0 {
			t.Errorf("listener %d got nothing", i)
		}
		sum += n
	}
	if sum != 48 {
		t.Errorf("%d connections of 48", sum)
	}
}

// A repeated SYN is answered again, one with another number challenged.
func TestRFC9293_3_10_7_4_SynInSynReceived(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, Seq: wiretest.SeqZero})
	f.Expect(Seg{Flags: SYN | ACK, Seq: wiretest.SeqZero})
	f.Send(Seg{Flags: SYN, Seq: wiretest.SeqZero})
	f.SetRcv(0)
	f.Expect(Seg{Flags: SYN | ACK, Seq: wiretest.SeqZero})
	f.Send(Seg{Flags: SYN, Seq: 5000})
	f.SetNxt(1)
	f.Expect(Seg{Ack: 1})
	f.Send(Seg{})
	ls.Accept()
}

// Children inherit what was set on the listener.
func TestInherit(t *testing.T) {
	w := newWire(t)
	ls := w.Listen(80, 8)
	ls.Set(syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	ls.Set(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 77)
	ls.Set(syscall.IPPROTO_IP, syscall.IP_TTL, 33)
	ls.Set(syscall.IPPROTO_IP, syscall.IP_TOS, 0xb8)
	ls.Set(syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8192)
	f := w.Flow(80, 40000)
	f.Send(Seg{Flags: SYN, WScale: 2})
	if s := f.Expect(Seg{Flags: SYN | ACK, Wnd: 8192}); s.WScale != wiretest.ZeroScale {
		t.Errorf("scale %d", s.WScale)
	}
	f.Send(Seg{})
	c := ls.Accept()
	for _, o := range []struct{ level, name, want int }{
		{syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, 77},
		{syscall.IPPROTO_IP, syscall.IP_TTL, 33},
		{syscall.IPPROTO_IP, syscall.IP_TOS, 0xb8},
		{syscall.SOL_SOCKET, syscall.SO_RCVBUF, 8192},
	} {
		if v, e := c.SK.GetInt(o.level, o.name); e != 0 || v != o.want {
			t.Errorf("option %d of level %d: %d, %v, want %d", o.name, o.level, v, e, o.want)
		}
	}
	c.WriteString("x")
	f.Expect(Seg{Data: "x"})
	if f.Frame.IP.TTL != 33 || f.Frame.IP.TOS != 0xb8 {
		t.Errorf("TTL %d, TOS %#x", f.Frame.IP.TTL, f.Frame.IP.TOS)
	}
}

// Listeners that share a port, each bound to a link of its own, hear what comes by it, from
// whomever; and who is bound to one hears before who is bound to none.
func TestListenLinksApart(t *testing.T) {
	for _, first := range []uint16{1, 2} { // in either order
		w := newWire(t)
		ls := [2]*App{w.Listen(80, 64), w.Listen(80, 64)}
		ls[0].SK.Rarely().Device, ls[1].SK.Rarely().Device = first, 3-first
		w.Listen(80, 64)
		for port := range uint16(40) {
			f := w.Flow(80, 40000+port)
			f.Send(Seg{Flags: SYN, MSS: 1460})
			f.Expect(Seg{Flags: SYN | ACK})
			f.Send(Seg{})
			ls[first-1].Accept()
		}
	}
}
