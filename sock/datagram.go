package sock

import (
	"encoding/binary"

	"dataplane/internal/ring"
)

// Datagram is the head of one record in the rings of a datagram socket. In
// RX, Peer is who sent it and Local the address it was sent to; in TX, Peer is
// the destination and Local the wished source.
type Datagram struct {
	Peer, Local Name
	Iface       uint16
	TTL, TOS    uint8
	Flags       uint16
	Len         int // bytes of payload
}

// Layout of a record: the head below, the payload, padding to 8 bytes. The
// ring wraps anywhere; head and payload are copied in at most two pieces.
const (
	headLen     = 64
	recordAlign = 8
)

// Space returns how many bytes of a ring a datagram of n bytes takes.
func Space(n int) int { return headLen + (n+recordAlign-1)&^(recordAlign-1) }

// Fits reports whether r has room for a datagram of n bytes. An empty ring has
// room for any: a limit smaller than one datagram must not shut out all, as
// with Linux's SO_RCVBUF and SO_SNDBUF. Producer's side.
func Fits(r *ring.Bytes, n int) bool { return r.Free() >= Space(n) || r.Len() == 0 }

// BeginDatagram writes the head of d, whose Len is known, at r's head and
// returns where the payload goes (r.WriteAt); nothing is visible before
// EndDatagram. False: no room. Producer's side.
func BeginDatagram(r *ring.Bytes, d *Datagram) (pos uint64, ok bool) {
	if !Fits(r, d.Len) {
		return 0, false
	}
	pos = r.Head()
	x, y := r.Reserve(pos, headLen)
	if len(x) == headLen {
		d.encode((*[headLen]byte)(x))
		return pos + headLen, true
	}
	var h [headLen]byte
	d.encode(&h)
	copy(y, h[copy(x, h[:]):])
	return pos + headLen, true
}

// EndDatagram publishes the record begun last.
func EndDatagram(r *ring.Bytes, d *Datagram) { r.Publish(r.Head() + uint64(Space(d.Len))) }

// NextDatagram decodes the oldest record into d and borrows its payload, in
// one or two pieces, until DoneDatagram. False: the ring is empty. Consumer's
// side.
func NextDatagram(r *ring.Bytes, d *Datagram) (x, y []byte, ok bool) {
	if r.Len() == 0 {
		return nil, nil, false
	}
	pos := r.Tail()
	if x, y = r.Slices(pos, headLen); len(x) == headLen {
		d.decode((*[headLen]byte)(x))
	} else {
		var h [headLen]byte
		copy(h[copy(h[:], x):], y)
		d.decode(&h)
	}
	x, y = nil, nil
	if d.Len > 0 {
		x, y = r.Slices(pos+headLen, d.Len)
	}
	return x, y, true
}

// DoneDatagram gives back the record that NextDatagram decoded into d.
func DoneDatagram(r *ring.Bytes, d *Datagram) { r.Release(r.Tail() + uint64(Space(d.Len))) }

func (d *Datagram) encode(h *[headLen]byte) {
	le := binary.LittleEndian
	le.PutUint32(h[0:], uint32(d.Len))
	le.PutUint16(h[4:], d.Peer.Port)
	le.PutUint16(h[6:], d.Local.Port)
	copy(h[8:24], d.Peer.Addr[:])
	copy(h[24:40], d.Local.Addr[:])
	le.PutUint32(h[40:], d.Peer.Zone)
	le.PutUint32(h[44:], d.Local.Zone)
	le.PutUint16(h[48:], d.Iface)
	le.PutUint16(h[50:], d.Flags)
	h[52], h[53] = d.TTL, d.TOS
}

func (d *Datagram) decode(h *[headLen]byte) {
	le := binary.LittleEndian
	d.Len = int(le.Uint32(h[0:]))
	d.Peer.Port, d.Local.Port = le.Uint16(h[4:]), le.Uint16(h[6:])
	copy(d.Peer.Addr[:], h[8:24])
	copy(d.Local.Addr[:], h[24:40])
	d.Peer.Zone, d.Local.Zone = le.Uint32(h[40:]), le.Uint32(h[44:])
	d.Iface, d.Flags = le.Uint16(h[48:]), le.Uint16(h[50:])
	d.TTL, d.TOS = h[52], h[53]
}
