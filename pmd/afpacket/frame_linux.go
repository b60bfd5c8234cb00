package afpacket

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"dataplane/mbuf"
)

const (
	macs    = 12     // two addresses, before the tag or the type
	typeTag = 0x8100 // 802.1Q
)

// tpid returns the type of the tag that was taken out of a slot's frame.
func tpid(slot []byte, status uint32) uint16 {
	if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		return native.Uint16(slot[slotTPID:])
	}
	return typeTag // Linux before 3.14 knew no other
}

// tag puts the tag back that the kernel took out of m.
func tag(m *mbuf.Mbuf, tci, tpid uint16) {
	if m.DataLen < macs || m.Headroom() < 4 {
		return
	}
	m.Prepend(4)
	b := m.Bytes()
	copy(b, b[4:4+macs])
	binary.BigEndian.PutUint16(b[macs:], tpid)
	binary.BigEndian.PutUint16(b[macs+2:], tci)
}

// complete puts the checksum over all bytes of m from start on at start+offset,
// which must be in the first buffer. A header that says otherwise is not believed;
// then the checksum is wrong, and the stack finds that out.
func complete(m *mbuf.Mbuf, start, offset int) {
	if start+offset+2 > int(m.DataLen) {
		return
	}
	sum, odd := uint32(0), false
	skip := start
	for s := m; s != nil; s = s.Next() {
		b := s.Bytes()[min(skip, int(s.DataLen)):]
		skip = 0
		if odd && len(b) > 0 {
			sum += uint32(b[0])
			b, odd = b[1:], false
		}
		for ; len(b) > 1; b = b[2:] {
			sum += uint32(b[0])<<8 | uint32(b[1])
		}
		if len(b) == 1 {
			sum += uint32(b[0]) << 8
			odd = true
		}
		sum = sum>>16 + sum&0xffff
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	field := m.Bytes()[start+offset:]
	if sum == 0xffff && offset == 6 { // RFC 768: 0 would mean that UDP has none
		sum = 0
	}
	binary.BigEndian.PutUint16(field, ^uint16(sum))
}
