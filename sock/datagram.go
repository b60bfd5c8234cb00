package sock

import (
	"encoding/binary"

	"dataplane/internal/ring"
	"dataplane/perf"
)

// Datagram is what the head of one record says, in the rings of a datagram
// socket. In RX, Peer is who sent it and Local the address it was sent to; in
// TX, Peer is the destination and Local the wished source.
type Datagram struct {
	Peer, Local Name
	Iface       uint16
	TTL, TOS    uint8
	Flags       uint16
	Seg         uint16    // payload is several datagrams of so many bytes, the last may have fewer; 0: one
	Len         int       // bytes of payload
	Time        perf.Tick // RX: when it came
}

// FlagTOS as a flag of a Datagram in TX: TOS is wished for, even if it is 0.
const FlagTOS = 1

// Record is the head of a record where it lies in the ring.
type Record [headLen]byte

// Layout of a record: the head, the payload, padding. Records begin at multiples
// of recordAlign, and so does the end of the ring's memory: a head never wraps,
// and lies in one cache line. The payload may wrap, once.
const (
	headLen     = 64
	recordAlign = 64
)

var le = binary.LittleEndian

// Len is the length of the payload.
func (h *Record) Len() int { return int(le.Uint32(h[0:])) }

// Peer is the name of the other end.
func (h *Record) Peer() Name {
	return Name{Addr: [16]byte(h[8:24]), Port: le.Uint16(h[4:]), Zone: le.Uint32(h[40:])}
}

// PeerTo writes the name of the other end to n, but for its Path, which it has none of.
func (h *Record) PeerTo(n *Name) {
	le.PutUint64(n.Addr[:8], le.Uint64(h[8:]))
	le.PutUint64(n.Addr[8:], le.Uint64(h[16:]))
	n.Port, n.Zone = le.Uint16(h[4:]), le.Uint32(h[40:])
}

// Local is our address: the one it was sent to, or the wished source.
func (h *Record) Local() Name {
	return Name{Addr: [16]byte(h[24:40]), Port: le.Uint16(h[6:]), Zone: le.Uint32(h[44:])}
}

// LocalAddr lends that address.
func (h *Record) LocalAddr() *[16]byte { return (*[16]byte)(h[24:40]) }

// Iface is the interface it came by.
func (h *Record) Iface() uint16 { return le.Uint16(h[48:]) }

// Flags are those of a Datagram.
func (h *Record) Flags() uint16 { return le.Uint16(h[50:]) }

// TTL is that of the IP header; in TX 0 leaves it to the socket.
func (h *Record) TTL() uint8 { return h[52] }

// TOS is that of the IP header.
func (h *Record) TOS() uint8 { return h[53] }

// Seg is the size of the datagrams in the payload; 0: there is one.
func (h *Record) Seg() uint16 { return le.Uint16(h[54:]) }

// Time is when it came.
func (h *Record) Time() perf.Tick { return perf.Tick(le.Uint64(h[56:])) }

// Plain reports that a record in TX wishes for nothing but its destination.
func (h *Record) Plain() bool {
	return le.Uint64(h[48:])|le.Uint64(h[24:])|le.Uint64(h[32:]) == 0
}

// IsPeer reports whether the other end is addr.
func (h *Record) IsPeer(addr *[16]byte) bool {
	return le.Uint64(h[16:]) == le.Uint64(addr[8:]) && le.Uint64(h[8:]) == le.Uint64(addr[:8])
}

// PeerPort is the port of the other end.
func (h *Record) PeerPort() uint16 { return le.Uint16(h[4:]) }

// PeerAddr lends the address of the other end.
func (h *Record) PeerAddr() *[16]byte { return (*[16]byte)(h[8:24]) }

// Put encodes d.
func (h *Record) Put(d *Datagram) {
	le.PutUint32(h[0:], uint32(d.Len))
	le.PutUint16(h[4:], d.Peer.Port)
	le.PutUint16(h[6:], d.Local.Port)
	le.PutUint64(h[8:], le.Uint64(d.Peer.Addr[0:]))
	le.PutUint64(h[16:], le.Uint64(d.Peer.Addr[8:]))
	le.PutUint64(h[24:], le.Uint64(d.Local.Addr[0:]))
	le.PutUint64(h[32:], le.Uint64(d.Local.Addr[8:]))
	le.PutUint32(h[40:], d.Peer.Zone)
	le.PutUint32(h[44:], d.Local.Zone)
	le.PutUint16(h[48:], d.Iface)
	le.PutUint16(h[50:], d.Flags)
	h[52], h[53] = d.TTL, d.TOS
	le.PutUint16(h[54:], d.Seg)
	le.PutUint64(h[56:], uint64(d.Time))
}

// Came completes a head that Put wrote for its names alone: how long the datagram is,
// and by which interface, how and when it came.
func (h *Record) Came(n int, iface uint16, ttl, tos uint8, now perf.Tick) {
	le.PutUint32(h[0:], uint32(n))
	le.PutUint64(h[48:], uint64(iface)|uint64(ttl)<<32|uint64(tos)<<40)
	le.PutUint64(h[56:], uint64(now))
}

// Get decodes the whole head.
func (h *Record) Get() Datagram {
	return Datagram{
		Peer: h.Peer(), Local: h.Local(), Iface: h.Iface(), Flags: h.Flags(),
		TTL: h.TTL(), TOS: h.TOS(), Seg: h.Seg(), Len: h.Len(), Time: h.Time(),
	}
}

// Space returns how many bytes of a ring a datagram of n bytes takes.
func Space(n int) int { return headLen + (n+recordAlign-1)&^(recordAlign-1) }

// Fits reports whether r has room for a datagram of n bytes. An empty ring has
// room for any: a limit smaller than one datagram must not shut out all, as
// with Linux's SO_RCVBUF and SO_SNDBUF. Producer's side.
func Fits(r *ring.Bytes, n int) bool { return r.Room() >= Space(n) || r.Unused() }

// AppendDatagram writes the head of d, whose Len is known, behind the last
// record and lends room for the payload, in one or two pieces. Nothing is
// visible before PublishDatagrams. False: no room. Producer's side.
func AppendDatagram(r *ring.Bytes, d *Datagram) (x, y []byte, ok bool) {
	size := Space(d.Len)
	if b := r.Append(size); b != nil { // most often
		(*Record)(b).Put(d)
		return b[headLen : headLen+d.Len], nil, true
	}
	if r.Room() < size && !r.Unused() {
		return nil, nil, false
	}
	x, y = r.Reserve(r.Written(), size)
	(*Record)(x).Put(d)
	x, y = within(x[headLen:], y, d.Len)
	return x, y, true
}

// ExtendDatagram lets the record at pos, the last one and not published yet,
// grow by n bytes, and lends room for them. False: no room. Producer's side.
func ExtendDatagram(r *ring.Bytes, pos uint64, n int) (h *Record, x, y []byte, ok bool) {
	x, _ = r.Reserve(pos, int(r.Written()-pos))
	old := (*Record)(x).Len()
	if more := Space(old+n) - Space(old); more > r.Room() {
		return nil, nil, nil, false
	}
	x, y = r.Reserve(pos, Space(old+n))
	h = (*Record)(x)
	le.PutUint32(h[0:], uint32(old+n))
	if x = x[headLen:]; old >= len(x) {
		x, y = y[old-len(x):], nil
	} else {
		x = x[old:]
	}
	x, y = within(x, y, n)
	return h, x, y, true
}

// SetLen notes the length of the payload in a head that Put wrote for its names.
func (h *Record) SetLen(n int) { le.PutUint32(h[0:], uint32(n)) }

// SetSeg notes the size of the datagrams in a record that ExtendDatagram lent.
func (h *Record) SetSeg(n uint16) { le.PutUint16(h[54:], n) }

// PublishDatagrams hands over all records appended.
func PublishDatagrams(r *ring.Bytes) { r.Publish(r.Written()) }

// DatagramAt borrows the record at pos, which is not r.Head(), and its payload
// in one or two pieces, until r.Release passes them. Consumer's side.
func DatagramAt(r *ring.Bytes, pos uint64) (h *Record, x, y []byte) {
	x = r.From(pos)
	h = (*Record)(x)
	n := h.Len()
	if x = x[headLen:]; n <= len(x) {
		return h, x[:n], nil
	}
	x, y = r.Slices(pos+headLen, n)
	return h, x, y
}

// within cuts two pieces to n bytes.
func within(x, y []byte, n int) ([]byte, []byte) {
	if n <= len(x) {
		return x[:n], nil
	}
	return x, y[:n-len(x)]
}

// CopyIn copies b to two pieces that hold it.
func CopyIn(x, y, b []byte) {
	if n := copy(x, b); n < len(b) {
		copy(y, b[n:])
	}
}

// CopyOut copies two pieces to b, which holds them.
func CopyOut(b, x, y []byte) {
	n := copy(b, x)
	if len(y) > 0 {
		copy(b[n:], y)
	}
}

// PutDatagram appends and publishes one datagram, its payload in two pieces whose
// lengths add up to d.Len. False: no room.
func PutDatagram(r *ring.Bytes, d *Datagram, a, b []byte) bool {
	x, y, ok := AppendDatagram(r, d)
	if !ok {
		return false
	}
	n := copy(x, a)
	if n < len(a) { // then x is full
		y = y[copy(y, a[n:]):]
	}
	CopyIn(x[n:], y, b)
	PublishDatagrams(r)
	return true
}

// NextDatagram decodes the oldest record into d and borrows its payload, in one
// or two pieces, until DoneDatagram. False: the ring is empty. Consumer's side.
func NextDatagram(r *ring.Bytes, d *Datagram) (x, y []byte, ok bool) {
	if r.Len() == 0 {
		return nil, nil, false
	}
	h, x, y := DatagramAt(r, r.Tail())
	*d = h.Get()
	return x, y, true
}

// DoneDatagram gives back the record that NextDatagram decoded into d.
func DoneDatagram(r *ring.Bytes, d *Datagram) { r.Release(r.Tail() + uint64(Space(d.Len))) }
