package tcp

import (
	"dataplane/ip"
	"dataplane/perf"
	"dataplane/sock"
)

// Tables that Look goes through, one after the other.
const (
	lookListeners = iota
	lookConns
	lookWaits
	lookEnd

	lookShift = 32 // of the table in a place
)

// Look calls f for listeners, connections, and what is left of a connection, as
// far as they are in n places of the tables, from place from on (0 is the first). It
// returns the place after them; less than 0 at the end. On the lcore.
func (l *Layer) Look(from, n int, now perf.Tick, f func(*sock.Look)) (next int) {
	l.now = max(l.now, now)
	table, at := from>>lookShift, from&(1<<lookShift-1)
	switch table {
	case lookListeners:
		at = -1
		l.lookListeners(f)
	case lookConns:
		at = l.conns.Part(at, n, func(_ *ip.FlowKey, s *Sock) { f(s.look()) })
	case lookWaits:
		at = l.waits.Part(at, n, func(k *ip.FlowKey, tw *timeWait) {
			f(&sock.Look{Local: nameOf(k.Local, k.LocalPort), Remote: nameOf(k.Remote, k.RemotePort), State: TimeWait.Number(),
				Timer: sock.TimerTimeWait, Due: until(tw.due, l.now), TOS: tw.tos, V6: tw.v6})
		})
	}
	if at >= 0 {
		return table<<lookShift | at
	}
	if table++; table >= lookEnd {
		return -1
	}
	return table << lookShift
}

func (l *Layer) lookListeners(f func(*sock.Look)) {
	type name struct {
		addr ip.Addr
		port uint16
	}
	seen := make(map[name]int)
	l.listeners.each(func(s *Sock) {
		k := s.look()
		at := name{s.Local, s.LocalPort}
		k.Shared, k.Nth = true, seen[at]
		k.RxQueue, k.TxQueue = s.AcceptQ.Len(), s.lst.backlog
		seen[at]++
		f(k)
	})
}

func nameOf(a ip.Addr, port uint16) sock.Name { return sock.Name{Addr: a, Port: port} }

// until is how long it is to at.
func until(at, now perf.Tick) perf.Tick { return max(at-now, 0) }

// look describes s.
func (s *Sock) look() *sock.Look {
	k := &sock.Look{
		Sock: &s.Sock, Local: nameOf(s.Local, s.LocalPort), Remote: nameOf(s.Remote, s.RemotePort), State: s.state.Number(),
		RxQueue: s.RX.Len(), TxQueue: s.TX.Len(), V6: s.Opt.V6, RcvBuf: int(s.Opt.RcvBuf), SndBuf: int(s.Opt.SndBuf), TOS: s.TOS,
		Congestion: s.opt.cong.String(), Info: s.InfoBytes(),
	}
	switch now := s.l.now; {
	case s.rtx.on() && s.state.synchronized() && !s.outstanding():
		k.Timer, k.Due, k.Retries = sock.TimerProbe, until(s.rtx.at, now), s.snd.probes
	case s.rtx.on():
		k.Timer, k.Due, k.Retries = sock.TimerRetransmit, until(s.rtx.at, now), s.snd.retries
	case s.keep.on():
		k.Timer, k.Due, k.Retries = sock.TimerKeepAlive, until(s.keep.at, now), s.idle
	}
	if s.state == CloseWait || s.state == LastAck || s.state == Closing {
		k.Shut |= 1
	}
	if s.snd.fin {
		k.Shut |= 2
	}
	return k
}
