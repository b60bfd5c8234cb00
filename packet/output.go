package packet

import (
	"dataplane/eth"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

const (
	// sendBudget is how many frames of one socket leave in a turn.
	sendBudget = 64
	// congested is how many frames may wait for a port before packet sockets wait, too.
	congested = 96
)

// drain sends what s has in its send ring. What has to wait for the port or for other
// sockets is served in the next turn.
func (l *Layer) drain(s *Sock, now perf.Tick) {
	pos, head := s.TX.Tail(), s.TX.Head()
	if pos == head {
		return
	}
	for sent := 0; pos != head; sent++ {
		h, x, y := sock.DatagramAt(&s.TX, pos)
		var to sock.Name
		h.PeerTo(&to)
		ifc := l.iface(int(to.Zone) - 1)
		if sent >= sendBudget || ifc != nil && ifc.Tx.Pending() >= congested {
			s.Ask(sock.ReqSend)
			break
		}
		if ifc == nil {
			l.stat.Lose(perf.LostNoRoute)
		} else {
			l.send(s, ifc, &to, [2][]byte{x, y}, now)
		}
		pos += uint64(sock.Space(h.Len()))
	}
	if pos != s.TX.Tail() {
		s.TX.Release(pos)
		s.WriteSpace()
		l.publish()
	}
}

// send makes a frame of two pieces and gives it to the port. Other packet sockets see it.
func (l *Layer) send(s *Sock, ifc *eth.Iface, to *sock.Name, p [2][]byte, now perf.Tick) {
	var hdr [eth.HdrLen + eth.VLANLen]byte
	n := 0
	if s.dgram {
		n = putHeader(hdr[:], ifc, to)
	}
	m := l.pool.Build(hdr[:n], p[0], p[1])
	if m == nil {
		l.stat.Lose(perf.LostNoMbuf)
		return
	}
	m.OlFlags |= mbuf.FlagShown | mbuf.FlagForeign
	if l.tapped && !s.bypass {
		l.look(m, ifc, now, false)
		l.show(s)
	}
	l.stat.Event(perf.EvPacketSent)
	ifc.Tx.Add(m)
}

// putHeader writes the link header of a frame to the address in to.
func putHeader(b []byte, ifc *eth.Iface, to *sock.Name) int {
	a := to.Link()
	if ifc.VLAN != 0 {
		eth.PutTagged(b, [6]byte(a.Addr[:]), ifc.MAC, ifc.VLAN, a.Protocol)
		return eth.HdrLen + eth.VLANLen
	}
	eth.PutHeader(b, [6]byte(a.Addr[:]), ifc.MAC, a.Protocol)
	return eth.HdrLen
}
