package udp

import (
	"encoding/binary"

	"dataplane/ip"
)

var le = binary.LittleEndian

// nNear is how many flows are remembered; a power of two.
const (
	nNear    = 128
	nearBits = 7
)

// near is the socket that a flow was found to belong to: the answer of the
// tables, at the price of one comparison. Flows that collide only make each
// other be looked up.
type near struct {
	addrs uint64 // as they stand in the IP header
	ports uint32 // as they stand in the UDP header
	gen   uint32
	s     *Sock
}

// forget makes the near flows be looked up again: a table has changed.
func (l *Layer) forget() {
	if l.gen++; l.gen == 0 {
		l.gen = 1
	}
}

// receiver returns the socket for the unicast datagram that begins with h.
func (l *Layer) receiver(h Header, p *ip.Packet) *Sock {
	var addrs uint64
	if len(p.Header) >= ip.HdrLen4 && p.Header[0]>>4 == 4 {
		addrs = le.Uint64(p.Header[12:20])
	} else {
		return l.lookup(h, p)
	}
	ports := le.Uint32(h[0:4])
	n := &l.near[(addrs^uint64(ports)*0xff51afd7ed558ccd)*0x9e3779b97f4a7c15>>(64-nearBits)]
	if n.addrs == addrs && n.ports == ports && n.gen == l.gen {
		return n.s
	}
	s := l.lookup(h, p)
	if s != nil {
		*n = near{addrs, ports, l.gen, s}
	}
	return s
}

// lookup asks the tables.
func (l *Layer) lookup(h Header, p *ip.Packet) *Sock {
	k := &l.key
	k.Local, k.Remote, k.LocalPort, k.RemotePort = p.Dst, p.Src, h.DstPort(), h.SrcPort()
	return l.find(k)
}
