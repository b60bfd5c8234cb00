package sctp

import (
	"syscall"

	"dataplane/inet"
	"dataplane/ip"
	"dataplane/mbuf"
	"dataplane/perf"
	"dataplane/sock"
)

// number is SCTP's above IP.
const number = 132

// flagError marks a record in RX that is an ICMP error: the errno, and what it quotes of our
// packet.
const flagError = 1

// port is SCTP on one lcore, all of which runs there: packets go through the rings of
// its Sock.
type port struct {
	sock.Sock
	stack *inet.Stack
	buf   []byte // a packet in one piece
}

var (
	_ ip.Protocol = (*port)(nil) // from below
	_ sock.Proto  = (*port)(nil) // from above
)

func newPort(s *inet.Stack) *port {
	p := &port{stack: s}
	p.Sock.Init(s.Core, p, p)
	p.Opt.SndBuf = ringBytes
	return p
}

// Input takes in a packet. Borrows m.
func (p *port) Input(m *mbuf.Mbuf, pkt *ip.Packet) perf.Verdict {
	n := int(m.PktLen)
	if n < headerLen+chunkLen {
		return perf.DropIPShort
	}
	b := m.Bytes()
	if len(b) < n {
		b = p.room(n)
		m.CopyTo(0, b)
	}
	if !sumOK(b[:n]) {
		return perf.DropIPChecksum
	}
	if pkt.Broadcast || pkt.Multicast || pkt.Copied { // RFC 9260 8.4
		return perf.DropIPNotOurs
	}
	d := sock.Datagram{Peer: sock.Name{Addr: pkt.Src}, Local: sock.Name{Addr: pkt.Dst}, Len: n, Time: pkt.Now}
	return p.put(&d, b[:n])
}

// Error takes an ICMP error to who sent the packet.
func (p *port) Error(e *ip.Error) perf.Verdict {
	if len(e.Payload) < 8 {
		return perf.DropICMPShort
	}
	if !e.Hard || e.MTU != 0 { // the association's own timers find out
		return perf.Delivered
	}
	q := e.Payload[:min(len(e.Payload), initLen)]
	b := p.room(4 + len(q))
	be.PutUint32(b, uint32(e.Errno))
	copy(b[4:], q)
	d := sock.Datagram{Peer: sock.Name{Addr: e.Dst}, Local: sock.Name{Addr: e.Src}, Flags: flagError, Len: len(b), Time: e.Now}
	return p.put(&d, b)
}

// put passes a record to the goroutine.
func (p *port) put(d *sock.Datagram, b []byte) perf.Verdict {
	if !sock.PutDatagram(&p.RX, d, b, nil) {
		return perf.DropUDPFull
	}
	p.DataReady()
	return perf.Delivered
}

// room returns n bytes that the lcore writes in.
func (p *port) room(n int) []byte {
	if cap(p.buf) < n {
		p.buf = make([]byte, n)
	}
	return p.buf[:n]
}

// Request sends what is in TX.
func (p *port) Request(sk *sock.Sock, bits uint32, now perf.Tick) {
	if bits&sock.ReqSend == 0 {
		return
	}
	for {
		var d sock.Datagram
		x, y, ok := sock.NextDatagram(&sk.TX, &d)
		if !ok {
			break
		}
		if len(y) > 0 {
			b := p.room(d.Len)
			sock.CopyOut(b, x, y)
			x = b
		}
		p.stack.SendIP(&ip.Endpoint{Local: d.Local.Addr, Remote: d.Peer.Addr}, number, x, now) //nolint:errcheck // as lost
		sock.DoneDatagram(&sk.TX, &d)
	}
}

// Names returns none: the ports are many.
func (p *port) Names() (local, remote sock.Name) { return local, remote }

// Connect, Bind and Listen are not an lcore's business here.
func (p *port) Connect(*sock.Sock, sock.Name, sock.Name) syscall.Errno { return syscall.EOPNOTSUPP }

// Bind is refused, as Connect.
func (p *port) Bind(*sock.Sock, sock.Name) syscall.Errno { return syscall.EOPNOTSUPP }

// Listen is refused, as Connect.
func (p *port) Listen(*sock.Sock, int) syscall.Errno { return syscall.EOPNOTSUPP }

// SetOption knows none.
func (p *port) SetOption(*sock.Sock, int, int, []byte) syscall.Errno { return syscall.ENOPROTOOPT }

// GetOption knows none.
func (p *port) GetOption(*sock.Sock, int, int, []byte) (int, syscall.Errno) {
	return 0, syscall.ENOPROTOOPT
}
