package packet

import (
	"dataplane/eth"
	"dataplane/perf"
	"dataplane/sock"
)

// View reads the frames of a packet socket where they lie in its rings, without a copy:
// what Linux has the ring of PACKET_RX_RING for. The zero View of a Socket is ready.
// Whoever uses it holds the lock of the Socket's Rd.
type View struct {
	from *sock.Sock // the part whose oldest frame is lent; nil: nothing is
	upTo uint64     // where it ends
	own  []byte     // a frame that has to be put together
}

// Frame is a frame that is lent, and what is known about it.
type Frame struct {
	Data  []byte // as it was on the link, as far as the filter let it pass
	Len   int    // how long it was there
	Time  perf.Tick
	Iface uint32 // number of the interface, from 1
	Type  uint8  // PACKET_HOST, PACKET_OUTGOING, ...
	Proto uint16 // EtherType
	NoSum bool   // it is to go out, and its transport checksum is left to the port
}

// Next waits for the oldest frame and lends it until the next call. A frame that wraps
// in the ring, and one whose VLAN tag the device took off, is put together first.
func (v *View) Next(s *sock.Socket, flags int, f *Frame) error {
	v.Done()
	sk, err := waiting(s, flags)
	if err != nil {
		return err
	}
	pos := sk.RX.Tail()
	h, x, y := sock.DatagramAt(&sk.RX, pos)
	v.from, v.upTo = sk, pos+uint64(sock.Space(h.Len()))
	if len(y) > 0 {
		x = append(append(v.own[:0], x...), y...)
		v.own = x
	}
	d := h.Get()
	v.Show(s, &d, x, f)
	return nil
}

// Show fills f from the Datagram d of a frame of s, and from b, the frame itself.
func (v *View) Show(s *sock.Socket, d *sock.Datagram, b []byte, f *Frame) {
	a := d.Peer.Link()
	*f = Frame{
		Data: b, Len: int(d.Local.Zone), Time: d.Time, Iface: a.Iface, Type: a.PktType,
		Proto: a.Protocol, NoSum: d.Flags&sumMissing != 0,
	}
	if d.Flags&vlanOutside != 0 && s.Type == sock.TypeRaw && len(b) >= eth.HdrLen {
		v.tag(f, d.Local.Port)
	}
}

// tag puts the tag of the frame back to its place.
func (v *View) tag(f *Frame, tci uint16) {
	const at = eth.HdrLen - 2
	n := len(f.Data)
	if cap(v.own) < n+eth.VLANLen {
		v.own = make([]byte, n+eth.VLANLen)
	}
	b := v.own[:n+eth.VLANLen]
	copy(b[at+eth.VLANLen:], f.Data[at:])
	copy(b[:at], f.Data)
	be.PutUint16(b[at:], eth.TypeVLAN)
	be.PutUint16(b[at+2:], tci)
	f.Data, f.Len, v.own = b, f.Len+eth.VLANLen, b
}

// Done gives back what was lent.
func (v *View) Done() {
	if v.from != nil {
		v.from.RX.Release(v.upTo)
		v.from = nil
	}
}
