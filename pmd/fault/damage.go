package fault

import (
	"encoding/binary"

	"dataplane/mbuf"
)

const (
	ethLen    = 14
	vlanLen   = 4
	typeIPv4  = 0x0800
	typeIPv6  = 0x86dd
	typeVLAN  = 0x8100
	minDamage = ethLen + 1
)

// promises are the flags that say a checksum need not be looked at, or is still to
// be filled in. A damaged frame keeps none of them.
const promises = mbuf.RxIPChecksumGood | mbuf.RxL4ChecksumGood | mbuf.FlagLoop |
	mbuf.TxIPChecksum | mbuf.TxL4Mask | mbuf.TxTCPSeg | mbuf.TxUDPSeg

// etherType returns the type of the frame's payload and the length of its link
// header, looking behind one tag.
func etherType(m *mbuf.Mbuf) (typ uint16, header int) {
	b := m.Bytes()
	if len(b) < ethLen {
		return 0, len(b)
	}
	typ, header = binary.BigEndian.Uint16(b[12:]), ethLen
	if typ == typeVLAN && len(b) >= ethLen+vlanLen {
		typ, header = binary.BigEndian.Uint16(b[16:]), ethLen+vlanLen
	}
	return typ, header
}

// packetSize is the length of the IP packet that a frame carries, or of one
// segment where several were merged.
func packetSize(m *mbuf.Mbuf) int {
	_, header := etherType(m)
	size := int(m.PktLen) - header
	const segmented = mbuf.RxLRO | mbuf.TxTCPSeg | mbuf.TxUDPSeg
	if seg := m.SegSize(); m.OlFlags&segmented != 0 && seg > 0 {
		headers := m.L3Len() + m.L4Len()
		if headers == 0 {
			headers = 40 // IPv4 and TCP without options
		}
		size = min(size, seg+headers)
	}
	return size
}

// damage takes m and returns it, perhaps with a bit inverted or its end cut off;
// nil: it was freed.
func (p *pipe) damage(m *mbuf.Mbuf, i uint64) *mbuf.Mbuf {
	corrupt := p.dice.hit(i, drawCorrupt, p.Corrupt)
	truncate := p.dice.hit(i, drawTruncate, p.Truncate)
	if !corrupt && !truncate {
		return m
	}
	if corrupt {
		p.count.corrupted.Add(1)
	}
	if truncate {
		p.count.truncated.Add(1)
	}
	// ARP and its like have no checksum of their own: on a real link the frame
	// check sequence would have ended them.
	if typ, _ := etherType(m); typ != typeIPv4 && typ != typeIPv6 || m.PktLen < minDamage {
		p.drop(m, &p.count.destroyed)
		return nil
	}
	if m.RefCnt > 1 { // somebody else reads the same bytes
		own := clone(p.pool, m)
		p.pool.Free(m)
		if m = own; m == nil {
			p.count.destroyed.Add(1)
			return nil
		}
	}
	m.OlFlags &^= promises
	if truncate {
		m.Trim(int(m.PktLen) - 1 - int(p.dice.below(i, drawLength, uint64(m.PktLen)-1)))
	}
	if corrupt {
		flip(m, p.dice.below(i, drawBit, uint64(m.PktLen)*8))
	}
	return m
}

// flip inverts bit n of a frame that is longer than that.
func flip(m *mbuf.Mbuf, n uint64) {
	at := int(n / 8)
	for s := m; s != nil; s = s.Next() {
		b := s.Bytes()
		if at < len(b) {
			b[at] ^= 0x80 >> (n % 8)
			return
		}
		at -= len(b)
	}
}

// clone returns a copy of m out of the pool, or nil when that is empty.
func clone(pool *mbuf.Pool, m *mbuf.Mbuf) *mbuf.Mbuf {
	c := pool.Alloc()
	if c == nil {
		return nil
	}
	c.OlFlags, c.TxOffload, c.RSS = m.OlFlags, m.TxOffload, m.RSS
	c.VlanTCI, c.PacketType, c.Port = m.VlanTCI, m.PacketType, m.Port
	last, room := c, c.Room()
	for s := m; s != nil; s = s.Next() {
		for b := s.Bytes(); len(b) != 0; {
			if len(room) == 0 {
				next := pool.Alloc()
				if next == nil {
					pool.Free(c)
					return nil
				}
				last.SetNext(next)
				c.NbSegs++
				last, room = next, next.Room()
			}
			n := copy(room, b)
			b, room = b[n:], room[n:]
			last.DataLen += uint16(n)
			c.PktLen += uint32(n)
		}
	}
	return c
}
