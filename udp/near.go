package udp

import (
	"encoding/binary"

	"dataplane/ip"
	"dataplane/sock"
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
	ends  uint64 // addresses as they stand in the IP header
	ports uint32 // as they stand in the UDP header
	gen   uint32
	s     *Sock
	head  sock.Record // what the records of the flow begin with, but for what differs
	call  *call       // for code inside the plane; nil: none has had the place yet
}

// call is a flow as code inside the plane has it.
type call struct {
	d    sock.Datagram // the latest one
	back ip.Endpoint   // where its answer went
	way  bool          // back is set
}

// forget makes the near flows be looked up again: a table or an option has changed,
// perhaps by who has a datagram in hand.
func (l *Layer) forget() {
	l.at = nil
	if l.gen++; l.gen == 0 {
		l.gen = 1
	}
}

// nearTo is the place of a flow.
func (l *Layer) nearTo(ends uint64, ports uint32) *near {
	return &l.near[(ends^uint64(ports)*0xff51afd7ed558ccd)*0x9e3779b97f4a7c15>>(64-nearBits)]
}

// receiver finds the socket for the unicast datagram that begins with h, and remembers
// it in n, the place of its flow.
func (l *Layer) receiver(n *near, h Header, p *ip.Packet) *Sock {
	k := &l.key
	k.Local, k.Remote, k.LocalPort, k.RemotePort = p.Dst, p.Src, h.DstPort(), h.SrcPort()
	w := wish{k: k, iface: int(p.Iface.Index)}
	s := l.find(&w)
	if s != nil {
		*n = near{ends: p.Ends, ports: le.Uint32(h), gen: l.gen, s: s, call: n.call}
		if w.apart {
			n.gen = 0 // of no table: the place of a flow has no link
		}
		d := sock.Datagram{Peer: endName(p.Src, k.RemotePort), Local: endName(p.Dst, k.LocalPort)}
		n.head.Put(&d)
		if s.to != nil {
			if n.call == nil {
				n.call = new(call)
			}
			n.call.d, n.call.way = d, false
		}
	}
	return s
}
