package udp

import (
	"dataplane/ip"
	"dataplane/sock"
)

// States of a UDP socket as Linux numbers them.
const (
	numConnected = 1
	numOpen      = 7
)

const lookShift = 32 // of the table in a place: 0 bound, 1 flows

// Look calls f for the sockets in n places of the tables, from place from on (0 is the
// first). It returns the place after them; less than 0 at the end. On the lcore.
func (l *Layer) Look(from, n int, f func(*sock.Look)) (next int) {
	table, at := from>>lookShift, from&(1<<lookShift-1)
	t := l.bound
	if table > 0 {
		t = l.flows
	}
	at = t.Part(at, n, func(_ *ip.FlowKey, s *Sock) {
		for nth := 0; s != nil; s, nth = s.next, nth+1 {
			k := &sock.Look{
				Sock: &s.Sock, Local: sock.Name{Addr: s.Local, Port: s.LocalPort}, Remote: sock.Name{Addr: s.Remote, Port: s.RemotePort},
				State: numConnected, Nth: nth, RxQueue: s.RX.Len(), TxQueue: s.TX.Len(), V6: s.Opt.V6, RcvBuf: int(s.Opt.RcvBuf), SndBuf: int(s.Opt.SndBuf), TOS: s.TOS,
			}
			if s.where == inBound {
				k.State, k.Shared = numOpen, true
			}
			f(k)
		}
	})
	switch {
	case at >= 0:
		return table<<lookShift | at
	case table == 0:
		return 1 << lookShift
	}
	return -1
}
