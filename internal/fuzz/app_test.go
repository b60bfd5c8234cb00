package fuzz

import (
	"syscall"

	"dataplane/ip"
	"dataplane/sock"
)

// maxApps bounds the sockets of an input.
const maxApps = 12

// app is an application with one socket.
type app struct {
	w            *world
	s            *sock.Socket
	udp, listens bool
	port         uint16 // bound to
	lport, rport uint16 // of the connection, when named
	peer         [16]byte
	named        bool
	out, in      uint32 // bytes of the streams written and read
	head         uint64 // of RX, as seen last
	life         int    // of the flow
	ended        bool
	judged       bool // death has been looked at
	deaf         bool // reading was shut down
}

// sockName is a name of IPv4.
func sockName(a [4]byte, port uint16) sock.Name { return sock.Name{Addr: ip.From4(a), Port: port} }

// socket makes an application; nil: there are enough.
func (w *world) socket(typ int) *app {
	if len(w.apps) == maxApps {
		return nil
	}
	s, err := w.host.Families.Create(syscall.AF_INET, typ, 0)
	if err != nil {
		w.fail("socket: %v", err)
		return nil
	}
	a := &app{w: w, s: s, udp: typ == sock.TypeDgram}
	w.apps = append(w.apps, a)
	return a
}

func (a *app) bind(local sock.Name) bool {
	if err := a.s.Ops.Bind(a.s, local); err != nil {
		a.w.trace("bind %d: %v", local.Port, err)
		return false
	}
	a.port = local.Port
	return true
}

func (w *world) listen(port uint16, backlog int) *app {
	a := w.socket(sock.TypeStream)
	if a == nil || !a.bind(sock.Name{Port: port}) {
		return a
	}
	if err := a.s.Ops.Listen(a.s, backlog); err != nil {
		w.trace("listen: %v", err)
		return a
	}
	a.listens = true
	w.pump()
	return a
}

// datagrams opens a UDP socket, connected if to has a port.
func (w *world) datagrams(port uint16, to sock.Name) *app {
	a := w.socket(sock.TypeDgram)
	if a == nil || !a.bind(sock.Name{Port: port}) {
		return a
	}
	if to.Port != 0 {
		if err := a.s.Ops.Connect(a.s, to, 0); err != nil {
			w.trace("connect: %v", err)
			return a
		}
		a.learn()
	}
	w.pump()
	return a
}

// connect begins a connection without waiting for its end. From a local port
// that is given the flow's core is, else any.
func (w *world) connect(from uint16, to sock.Name, core int) *app {
	a := w.socket(sock.TypeStream)
	if a == nil || from != 0 && !a.bind(sock.Name{Port: from}) {
		return a
	}
	local := sock.Name{Port: from}
	group := a.s.Group()
	core %= len(group)
	if from != 0 {
		local.Addr = ip.From4(ours)
		if ip.Addr(to.Addr).IsLoopback() || to.Addr == local.Addr {
			local.Addr = to.Addr
		}
		core = w.stackOf(local, to)
	}
	a.s.Keep(group[core])
	a.s.SetState(sock.Connecting)
	if e := group[core].Proto.Connect(group[core], local, to); e != 0 {
		w.trace("connect: %v", e)
		a.s.SetState(sock.Unconnected)
	}
	w.pump()
	return a
}

// accept takes a connection from a listener, if there is one.
func (w *world) accept(l *app) *app {
	if l == nil || !l.listens || len(w.apps) == maxApps {
		return nil
	}
	s, err := l.s.Ops.Accept(l.s, sock.MsgDontwait)
	if err != nil {
		return nil
	}
	a := &app{w: w, s: s}
	w.apps = append(w.apps, a)
	a.learn()
	return a
}

// learn takes over the names of the connection.
func (a *app) learn() {
	local, remote := a.s.SK().Names()
	a.lport, a.rport, a.peer, a.named = local.Port, remote.Port, remote.Addr, true
	if f := a.w.find(ip.Addr(a.peer).As4(), a.rport, a.lport); f != nil {
		a.life = f.life
	}
	a.judged = a.s.SK().Has(sock.FlagDead)
}

// connected reports whether the handshake is over, and notices it.
func (a *app) connected() bool {
	if a.udp || a.s.State() == sock.Connected {
		return true
	}
	if a.s.State() != sock.Connecting || !a.s.SK().Has(sock.FlagConnected) {
		return false
	}
	sk := a.s.SK()
	a.s.SetNames(sk.Names())
	a.s.SetState(sock.Connected)
	a.learn()
	return true
}

// write writes n bytes of the stream, or a datagram.
func (a *app) write(n int) {
	if a.listens || !a.connected() {
		return
	}
	b := a.w.cfg.buf[1<<16:][:n]
	if a.udp {
		if !a.named {
			to := theirs
			if n%5 == 4 { // to hosts that are not there
				to[3] = 64 + byte(n&63)
			}
			pattern(b, a.port, 6000, 0)
			a.s.SendTo(b, sock.MsgDontwait, sockName(to, 6000)) //nolint:errcheck // any answer is legal
		} else {
			pattern(b, a.lport, a.rport, 0)
			a.s.Send(b, sock.MsgDontwait) //nolint:errcheck // any answer is legal
		}
		a.w.pump()
		return
	}
	pattern(b, a.lport, a.rport, a.out)
	k, err := a.s.Send(b, sock.MsgDontwait)
	a.out += uint32(k)
	a.w.trace("write %d: %d %v", n, k, err)
	a.w.pump()
}

// read reads up to n bytes, or a datagram, and checks them.
func (a *app) read(n int) {
	if a.listens || !a.connected() {
		return
	}
	b := a.w.cfg.buf[1<<16:][:n]
	if a.udp {
		a.readDatagram(b)
		return
	}
	k, err := a.s.Recv(b, sock.MsgDontwait)
	a.w.trace("read %d: %d %v", n, k, err)
	if a.ended && k > 0 && !a.deaf { // what comes after shutting down reading may be read still
		a.w.fail("data after the end of the stream")
	}
	a.ended = a.ended || err == nil && k == 0 && n > 0
	if i := mismatch(b[:k], a.rport, a.lport, a.in); i >= 0 && a.surely() {
		a.w.fail("port %d read a wrong byte at %d of the stream", a.lport, a.in+uint32(i))
	}
	a.in += uint32(k)
	a.w.pump()
}

// death looks whether a connection that was reset had to believe it: RFC 5961
// 3.2, only the very next sequence number resets.
func (a *app) death() {
	sk := a.s.SK()
	if a.judged || !a.named || sk.PeekError() != syscall.ECONNRESET {
		return
	}
	a.judged = true
	f := a.w.find(ip.Addr(a.peer).As4(), a.rport, a.lport)
	if f == nil || f.life != a.life || a.w.lags() || !a.surely() {
		return
	}
	nxt := f.irs + 1 + uint32(sk.RX.Head())
	for _, seq := range f.resets {
		if seq == nxt || seq == nxt+1 { // the FIN takes a number, too
			return
		}
	}
	a.w.fail("port %d was reset at %d, by %d", a.lport, nxt, f.resets)
}

// surely: nobody could put other bytes into the stream than the pattern.
func (a *app) surely() bool {
	if a.w.tainted {
		return false
	}
	p := ip.Addr(a.peer).As4()
	f := a.w.find(p, a.rport, a.lport)
	if f == nil { // over the loopback
		return p == ours || p[0] == 127
	}
	return !f.vague
}

func (a *app) readDatagram(b []byte) {
	m := sock.Msg{Buf: b, Flags: sock.MsgDontwait}
	n, err := a.s.RecvMsg(&m)
	if err != nil || !m.Named {
		return
	}
	if a.named && (m.Name.Addr != a.peer || m.Name.Port != a.rport) {
		a.w.fail("a connected socket got a datagram of %v", m.Name)
	}
	if i := mismatch(b[:n], m.Name.Port, m.Local.Port, 0); i >= 0 && !a.w.tainted {
		a.w.fail("byte %d of a datagram of %d from port %d to %d is wrong", i, m.Len, m.Name.Port, m.Local.Port)
	}
}

// shut ends a direction, or all.
func (a *app) shut(how byte) {
	switch how % 4 {
	case 0:
		a.s.Close() //nolint:errcheck // any answer is legal
		a.remove()
	case 1:
		if a.connected() {
			a.s.Ops.Shutdown(a.s, syscall.SHUT_WR) //nolint:errcheck // any answer is legal
		}
	case 2:
		if a.connected() {
			a.deaf = true
			a.s.Ops.Shutdown(a.s, syscall.SHUT_RD) //nolint:errcheck // any answer is legal
		}
	case 3:
		a.s.SetLinger(0) //nolint:errcheck // any answer is legal
		a.s.Close()      //nolint:errcheck // any answer is legal
		a.remove()
	}
	a.w.pump()
}

func (a *app) remove() {
	for i, b := range a.w.apps {
		if a == b {
			a.w.apps = append(a.w.apps[:i], a.w.apps[i+1:]...)
			return
		}
	}
}

// check looks at what must hold at any time.
func (w *world) check() {
	if w.bad != "" {
		return
	}
	conns, listeners := 0, 0
	for _, a := range w.apps {
		if a.listens {
			listeners++
			continue
		}
		if a.udp {
			continue
		}
		conns++
		sk := a.s.SK()
		if n := sk.RX.Len(); n > sk.RX.Limit() {
			w.fail("%d bytes wait to be read, the limit is %d", n, sk.RX.Limit())
		}
		if n := sk.TX.Len(); n > sk.TX.Limit() {
			w.fail("%d bytes wait to be sent, the limit is %d", n, sk.TX.Limit())
		}
		if h := sk.RX.Head(); h < a.head {
			w.fail("the stream went back from %d to %d", a.head, h)
		} else {
			a.head = h
		}
		a.death()
	}
	if w.held { // what was closed is not closed yet
		return
	}
	c, r, tw, o := 0, 0, 0, 0
	for _, s := range w.stacks {
		c1, r1, tw1, o1 := s.TCP.Counts()
		c, r, tw, o = c+c1, r+r1, tw+tw1, o+o1
	}
	cores := len(w.stacks)
	if most := conns + o + cores*listeners*(limits.MaxBacklog+1); c > most {
		w.fail("%d connections, at most %d are known to anybody", c, most)
	}
	if r > cores*limits.MaxRequests || tw > cores*limits.MaxTimeWait || o > cores*limits.MaxOrphans {
		w.fail("%d requests, %d in TIME-WAIT, %d orphans", r, tw, o)
	}
}
